using System.Text;
using Dapper;
using EtlTools.Core.Configuration;
using EtlTools.Core.Loading;
using EtlTools.Core.Parsing;
using EtlTools.Tests.Infrastructure;
using EtlTools.Tests.Parsing;
using Npgsql;

namespace EtlTools.Tests.Loading;

public sealed class DelimitedToCopyTests : IAsyncLifetime
{
    private const string CopySql = "COPY copied (a, b, load_run_file_id, load_row_number) FROM STDIN (FORMAT BINARY)";

    private readonly List<FaultyRow> _stored = [];
    private NpgsqlConnection _connection = null!;
    private int _copies;

    public async Task InitializeAsync()
    {
        if (PostgresServer.SkipReason is null)
        {
            _connection = new NpgsqlConnection(await PostgresServer.ConnectionStringAsync());
            await _connection.OpenAsync();
            await _connection.ExecuteAsync(
                """
                CREATE TEMP TABLE copied (a text, b text, load_run_file_id integer NOT NULL, load_row_number bigint);
                CREATE TEMP TABLE faults (row_number bigint, reason text, content bytea);
                """);
        }
    }

    public async Task DisposeAsync()
    {
        if (_connection is not null)
        {
            await _connection.DisposeAsync();
        }
    }

    [PostgresFact]
    public async Task Good_rows_reach_the_table_verbatim_and_bad_ones_the_quarantine()
    {
        var text = "000123|^^|\"quoted\"|~~||^^| x\r\ny |~~|bad|~~|\\N|^^|😀ā|~~|";
        var counts = await RunAsync(Encoding.Unicode.GetBytes(text), Parsed.Vendor);
        Assert.Equal((4L, 3L, 1L, false), (counts.RowsRead, counts.RowsCopied, counts.RowsFaulted, counts.IsStopped));
        Assert.Equal(Encoding.Unicode.GetByteCount(text), counts.BytesRead);
        var rows = (await _connection.QueryAsync<(string?, string?, int, long)>("SELECT * FROM copied ORDER BY load_row_number")).ToList();
        Assert.Equal([("000123", "\"quoted\"", 42, 1), (null, " x\r\ny ", 42, 2), ("\\N", "😀ā", 42, 4)], rows);
        Assert.Equal(1, _copies);
        Assert.Equal("bad", Encoding.Unicode.GetString(Assert.Single(_stored).Content));
    }

    [PostgresFact]
    public async Task Faulty_rows_are_stored_between_two_copies_when_they_grow_large()
    {
        var big = new string('x', 900_000);
        var text = string.Concat(Enumerable.Range(0, 12).Select(i => $"{big}\n{i},good\n"));
        var most = 0;
        var counts = await RunAsync(Encoding.UTF8.GetBytes(text), Parsed.Csv, onStore: rows => most = Math.Max(most, rows.Count));
        Assert.Equal((24L, 12L, 12L), (counts.RowsRead, counts.RowsCopied, counts.RowsFaulted));
        Assert.True(_copies >= 2, "one COPY only");
        Assert.InRange(most, 1, 6);
        Assert.Equal(12, await _connection.ExecuteScalarAsync<int>("SELECT count(DISTINCT load_row_number) FROM copied"));
        Assert.Equal(Enumerable.Range(0, 12).Select(i => (long)((2 * i) + 1)), _stored.Select(row => row.RowNumber));
    }

    [PostgresFact]
    public async Task A_file_of_bad_rows_opens_no_copy()
    {
        var counts = await RunAsync("a\nb\nc,d,e\n"u8.ToArray(), Parsed.Csv);
        Assert.Equal((3L, 0L, 3L), (counts.RowsRead, counts.RowsCopied, counts.RowsFaulted));
        Assert.Equal(0, _copies);
        Assert.Equal(3, _stored.Count);
        counts = await RunAsync([], Parsed.Csv);
        Assert.Equal(0, counts.RowsRead + _copies);
    }

    [PostgresFact]
    public async Task A_load_that_is_stopped_copies_nothing()
    {
        var text = string.Concat(Enumerable.Range(0, 100_000).Select(i => $"{i},some text\nbad\n"));
        await using var transaction = await _connection.BeginTransactionAsync();
        var counts = await RunAsync(Encoding.UTF8.GetBytes(text), Parsed.Csv, shouldStop: counts => counts.RowsFaulted > 1000);
        Assert.True(counts.IsStopped);
        Assert.InRange(counts.RowsRead, 2000, 199_999);
        Assert.Empty(_stored);
        await transaction.RollbackAsync();
        Assert.Equal(0, await _connection.ExecuteScalarAsync<int>("SELECT count(*) FROM copied"));
    }

    [PostgresFact]
    public async Task A_row_that_never_ends_can_be_stopped()
    {
        var endless = new RepeatingStream("field|^^|"u8.ToArray(), long.MaxValue);
        var counts = await RunAsync(
            endless, Parsed.Vendor with { Encoding = "utf-8" }, shouldStop: counts => counts.RowsCopied == 0 && counts.BytesRead > 8_000_000);
        Assert.True(counts.IsStopped);
        Assert.Equal((1L, 1L), (counts.RowsRead, counts.RowsFaulted));
    }

    [PostgresFact]
    public async Task A_source_that_breaks_leaves_the_copy_cancelled_and_the_connection_usable()
    {
        await using var transaction = await _connection.BeginTransactionAsync();
        var breaks = new RepeatingStream("a,b\n"u8.ToArray(), 2_000_000);
        var error = await Assert.ThrowsAsync<IOException>(() => RunAsync(breaks, Parsed.Csv));
        Assert.Equal("broken", error.Message);
        await transaction.RollbackAsync();
        Assert.Equal(0, await _connection.ExecuteScalarAsync<int>("SELECT count(*) FROM copied"));
    }

    [PostgresFact]
    public async Task Cancelling_ends_the_copy()
    {
        using var cancel = new CancellationTokenSource();
        var endless = new RepeatingStream("a,b\n"u8.ToArray(), long.MaxValue);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RunAsync(
            endless,
            Parsed.Csv,
            shouldStop: counts =>
            {
                if (counts.RowsCopied > 500_000)
                {
                    cancel.Cancel();
                }

                return false;
            },
            token: cancel.Token));
    }

    [PostgresFact]
    public async Task A_session_that_is_terminated_ends_the_load_with_the_servers_error()
    {
        await using var other = new NpgsqlConnection(await PostgresServer.ConnectionStringAsync());
        await other.OpenAsync();
        var backend = _connection.ProcessID;
        var isTerminated = false;
        var endless = new RepeatingStream("a,b\n"u8.ToArray(), long.MaxValue);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => RunAsync(
            endless,
            Parsed.Csv,
            shouldStop: counts =>
            {
                if (counts.RowsCopied > 500_000 && !isTerminated)
                {
                    isTerminated = true;
                    other.Execute("SELECT pg_terminate_backend(@backend)", new { backend });
                }

                return false;
            }));
        Assert.True(isTerminated);
    }

    private Task<CopyCounts> RunAsync(
        byte[] file, DialectConfig dialect, Func<CopyCounts, bool>? shouldStop = null, Action<IReadOnlyList<FaultyRow>>? onStore = null) =>
        RunAsync(new MemoryStream(file), dialect, shouldStop, onStore);

    private async Task<CopyCounts> RunAsync(
        Stream file,
        DialectConfig dialect,
        Func<CopyCounts, bool>? shouldStop = null,
        Action<IReadOnlyList<FaultyRow>>? onStore = null,
        CancellationToken token = default)
    {
        await using var reader = new DelimitedReader(file, dialect, 2);
        var copier = new DelimitedToCopy
        {
            OpenCopy = async cancellation =>
            {
                _copies++;
                return await _connection.BeginRawBinaryCopyAsync(CopySql, cancellation);
            },
            StoreFaults = async (rows, _) =>
            {
                // It must be possible on the same connection.
                onStore?.Invoke(rows);
                _stored.AddRange(rows);
                await _connection.ExecuteAsync(
                    "INSERT INTO faults VALUES (@RowNumber, @Reason, @Content)",
                    rows.Select(row => new { row.RowNumber, Reason = row.Reasons[0].Code, row.Content }));
            },
            ShouldStop = shouldStop ?? (_ => false),
        };
        return await copier.RunAsync(reader, [0, 1], 42, token);
    }

    // The same bytes again and again; after so many it breaks as a network does.
    private sealed class RepeatingStream(byte[] pattern, long breakAfter) : Stream
    {
        private long _position;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => _position; set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            if (_position >= breakAfter)
            {
                throw new IOException("broken");
            }

            for (var i = 0; i < count; i++)
            {
                buffer[offset + i] = pattern[(_position + i) % pattern.Length];
            }

            _position += count;
            return count;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
