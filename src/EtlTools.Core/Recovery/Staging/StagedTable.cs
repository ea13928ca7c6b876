using System.Runtime.InteropServices;
using EtlTools.Core.Database;
using EtlTools.Core.Recovery.Payloads;
using EtlTools.Core.Recovery.Tables;

namespace EtlTools.Core.Recovery.Staging;

/// <summary>The metrics of one table on their way into its temporary table.</summary>
internal sealed class StagedTable(MetricTable table, IReadOnlyList<TableColumn> columns, bool hasOwner) : IDisposable
{
    /// <summary>The place of a row: of an audit the payload's number in its batch, of a recovery the metric's in its payload.</summary>
    public const string Item = "etl_item";

    private readonly IReadOnlyList<int> _places = columns.Select(column => IndexOf(table.Columns, column)).ToList();
    private readonly IReadOnlyList<bool> _isNeeded = columns.Select(column => table.Key.Contains(column) && column.IsNotNull).ToList();
    private readonly IReadOnlyList<bool> _isKey = columns.Select(table.Key.Contains).ToList();
    private readonly Dictionary<Guid, (DateTime From, DateTime To)> _spans = [];
    private readonly int _time = table.Time is { } time ? IndexOf(columns, time) : -1;

    public MetricTable Table => table;

    public RowBuffer Buffer { get; } = new();

    public string TempName => $"etl_staged_{table.Index}";

    public string TempSql => $"pg_temp.{TempName}";

    /// <summary>Where its metrics are put together, one row a key.</summary>
    public string MergedName => $"etl_merged_{table.Index}";

    public string MergedSql => $"pg_temp.{MergedName}";

    /// <summary>Rows since the last <see cref="Reset"/>.</summary>
    public long Rows { get; private set; }

    /// <summary>Of each user whose metrics they are, the span of their times in UTC.</summary>
    public IReadOnlyDictionary<Guid, (DateTime From, DateTime To)> Spans => _spans;

    /// <summary>The span of all their times.</summary>
    public DateTime From => _spans.Count == 0 ? default : _spans.Values.Min(span => span.From);

    public DateTime To => _spans.Count == 0 ? default : _spans.Values.Max(span => span.To);

    public string CreateSql() => $"""
        CREATE TEMP TABLE IF NOT EXISTS {TempName} (
            {Item} bigint NOT NULL{(hasOwner ? $", {MetricTable.UserColumn} uuid NOT NULL" : "")}
            {string.Concat(columns.Select(column => $", {SqlIdentifier.Quote(column.Name)} {column.TypeSql}"))}
        ) ON COMMIT DELETE ROWS
        """;

    public string CreateMergedSql() => $"CREATE TEMP TABLE IF NOT EXISTS {MergedName} (LIKE {TempSql}) ON COMMIT DELETE ROWS";

    public string CopySql() =>
        $"COPY {TempSql} ({Item}{(hasOwner ? ", " + MetricTable.UserColumn : "")}, {SqlIdentifier.List(columns.Select(column => column.Name))}) FROM STDIN (FORMAT BINARY)";

    /// <summary>Writes the row; values that the table cannot hold are left out and counted, a row that cannot be without them too.</summary>
    public void Append(TableBinding binding, MetricRow row, long item, Guid owner, ProblemTally problems)
    {
        Buffer.BeginRow(columns.Count + (hasOwner ? 2 : 1));
        Buffer.WriteInt32(sizeof(long));
        Buffer.WriteInt64(item);
        if (hasOwner)
        {
            Buffer.WriteInt32(16);
            Buffer.WriteUuid(owner);
        }

        for (var i = 0; i < columns.Count; i++)
        {
            var source = binding.Sources[_places[i]];
            if (source < 0 || !row.HasValue(source))
            {
                Buffer.WriteNull();
                continue;
            }

            Buffer.BeginField();
            if (CellEncoder.TryWrite(columns[i], row, source, Buffer) || TryOtherwise(binding, columns[i], source))
            {
                Buffer.EndField();
                continue;
            }

            // A key without one of its parts would be another key.
            var isRowLost = _isKey[i] || _isNeeded[i] || (columns[i].IsNotNull && columns[i].DefaultSql is null);
            problems.Add(
                binding.Type.Name, table.Name, nameof(RefusalReason.UnfitValue), columns[i].Name, isRowLost, ordinal: row.Ordinal);
            if (isRowLost)
            {
                Buffer.DropRow();
                return;
            }

            Buffer.DropField();
        }

        NoteTime(binding, row, owner);
        Rows++;
    }

    public void Reset()
    {
        Rows = 0;
        _spans.Clear();
    }

    public void Dispose() => Buffer.Dispose();

    private bool TryOtherwise(TableBinding binding, TableColumn column, int source)
    {
        if (column.Format != ColumnFormat.Label
            || binding.Type.Columns[source].Otherwise is not { } otherwise
            || column.FindLabel(System.Text.Encoding.UTF8.GetBytes(otherwise)) is not { } label)
        {
            return false;
        }

        return Buffer.WriteBytes(label);
    }

    private void NoteTime(TableBinding binding, MetricRow row, Guid owner)
    {
        var source = _time < 0 ? -1 : binding.Sources[_places[_time]];
        var time = source >= 0 && row.HasValue(source) ? row.Time(source) : default;
        var (from, to) = table.Time is { IsRounded: true } ? Around(time) : (time, time);
        ref var span = ref CollectionsMarshal.GetValueRefOrAddDefault(_spans, owner, out var isKnown);
        span = isKnown ? (from < span.From ? from : span.From, to > span.To ? to : span.To) : (from, to);
    }

    /// <summary>Where the column may have it that keeps no more than seconds.</summary>
    private static (DateTime From, DateTime To) Around(DateTime time)
    {
        var second = TimeSpan.FromSeconds(1);
        return (time - DateTime.MinValue > second ? time - second : time, DateTime.MaxValue - time > second ? time + second : time);
    }

    private static int IndexOf(IReadOnlyList<TableColumn> columns, TableColumn column)
    {
        for (var i = 0; i < columns.Count; i++)
        {
            if (columns[i].Name == column.Name)
            {
                return i;
            }
        }

        return -1;
    }
}
