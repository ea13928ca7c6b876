using EtlTools.Core.Recovery.Payloads;
using EtlTools.Core.Recovery.Tables;
using Npgsql;

namespace EtlTools.Core.Recovery.Staging;

/// <summary>
/// Takes the metrics of payloads into temporary tables of one session, one beside each metric table: only what tells them
/// apart for an audit, all of it for a recovery. It holds a few megabytes, whatever the payloads hold; where times alone tell
/// them apart, an audit keeps those of a batch here, eight bytes each.
/// </summary>
internal sealed class MetricStage : IMetricSink, IDisposable
{
    private const int CopyBytes = 1 << 20;

    private readonly MetricCatalogue _catalogue;
    private readonly NpgsqlConnection _connection;
    private readonly bool _isAudit;
    private readonly StagedTable[] _tables;
    private readonly StagedTimes?[] _times;
    private readonly bool[] _exists;
    private int _number;
    private Guid _owner;

    /// <param name="catalogue">The tables.</param>
    /// <param name="connection">Where the temporary tables are; used in <see cref="DrainAsync"/> only.</param>
    /// <param name="isAudit">Keys of many payloads with their owners; otherwise all columns of one payload.</param>
    public MetricStage(MetricCatalogue catalogue, NpgsqlConnection connection, bool isAudit)
    {
        _catalogue = catalogue;
        _connection = connection;
        _isAudit = isAudit;
        _tables = catalogue.Tables.Select(table => new StagedTable(table, isAudit ? table.Key : table.Columns, isAudit)).ToArray();
        _times = catalogue.Tables.Select(table => isAudit && StagedTimes.Suits(table, BindingsOf(table)) ? new StagedTimes(table) : null).ToArray();
        _exists = new bool[_tables.Length];

        IEnumerable<TableBinding> BindingsOf(MetricTable table) => catalogue.Bindings.OfType<TableBinding>().Where(binding => binding.Table.Index == table.Index);
    }

    /// <summary>Of the payload that was begun last.</summary>
    public ProblemTally Problems { get; private set; } = new();

    /// <summary>Tables that have rows since the last <see cref="Reset"/>.</summary>
    public IEnumerable<StagedTable> Used => _tables.Where(table => table.Rows > 0);

    /// <summary>Tables of an audit that have times since then, in place of rows.</summary>
    public IEnumerable<StagedTimes> UsedTimes => _times.OfType<StagedTimes>().Where(times => !times.IsEmpty);

    /// <summary>The next payload.</summary>
    /// <param name="number">Its number in an audit's batch.</param>
    /// <param name="owner">Whose it is.</param>
    public void Begin(int number, Guid owner)
    {
        _number = number;
        _owner = owner;
        Problems = new ProblemTally();
    }

    public void Accept(MetricRow row)
    {
        if (_catalogue.Unreadable[row.Type.Index] is { } unreadable)
        {
            // An audit cannot tell then whether it is lost.
            Problems.Add(row.Type.Name, unreadable, nameof(RefusalReason.NoPermission), "SELECT", isRowLost: !_isAudit, ordinal: row.Ordinal);
            return;
        }

        if (_catalogue.Bindings[row.Type.Index] is not { } binding)
        {
            Problems.Add(row.Type.Name, "", nameof(RefusalReason.NoTable), "", isRowLost: true, ordinal: row.Ordinal);
            return;
        }

        if (_times[binding.Table.Index] is { } times)
        {
            times.Add(binding, row, _number, _owner);
            return;
        }

        _tables[binding.Table.Index].Append(binding, row, _isAudit ? _number : row.Ordinal, _owner, Problems);
        if (_isAudit)
        {
            return;
        }

        foreach (var column in binding.Left)
        {
            if (row.HasValue(column.Ordinal))
            {
                Problems.Add(
                    binding.Type.Name, binding.Table.Name, nameof(RefusalReason.NoColumn), column.Name, isRowLost: false, ordinal: row.Ordinal);
            }
        }
    }

    public void Reject(in MetricFault fault) => Problems.Add(
        fault.Type?.Name ?? MetricProblem.UnknownType, "", fault.Reason.ToString(), fault.Field, isRowLost: true, ordinal: fault.Ordinal);

    public async ValueTask DrainAsync(CancellationToken cancellationToken)
    {
        foreach (var table in _tables)
        {
            if (table.Buffer.Length >= CopyBytes)
            {
                await CopyAsync(table, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Everything that was taken is in the temporary tables then.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        foreach (var table in _tables)
        {
            if (!table.Buffer.IsEmpty)
            {
                await CopyAsync(table, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Forgets what was staged; emptying the temporary tables is the transaction's end, or the caller's.</summary>
    public void Reset()
    {
        foreach (var table in _tables)
        {
            table.Buffer.Clear();
            table.Reset();
        }

        foreach (var times in _times)
        {
            times?.Reset();
        }
    }

    /// <summary>Empties the temporary tables before the transaction's end.</summary>
    public async Task EmptyAsync(CancellationToken cancellationToken)
    {
        foreach (var table in Used)
        {
            await using var truncate = new NpgsqlCommand(
                $"{table.CreateMergedSql()}; TRUNCATE {table.TempSql}, {table.MergedSql}", _connection);
            await truncate.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>After a rollback, which may have taken temporary tables with it: they are made again where they are gone.</summary>
    public void ForgetTables() => Array.Clear(_exists);

    public void Dispose()
    {
        foreach (var table in _tables)
        {
            table.Dispose();
        }
    }

    private async Task CopyAsync(StagedTable table, CancellationToken cancellationToken)
    {
        if (!_exists[table.Table.Index])
        {
            await using var create = new NpgsqlCommand(table.CreateSql(), _connection);
            await create.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            _exists[table.Table.Index] = true;
        }

        var copy = await _connection.BeginRawBinaryCopyAsync(table.CopySql(), cancellationToken).ConfigureAwait(false);
        await using (copy.ConfigureAwait(false))
        {
            try
            {
                await copy.WriteAsync(table.Buffer.Complete(), cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                await copy.CancelAsync().ConfigureAwait(false);
                throw;
            }
        }

        table.Buffer.Clear();
    }
}
