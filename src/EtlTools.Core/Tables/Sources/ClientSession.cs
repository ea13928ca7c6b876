using System.Buffers;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace EtlTools.Core.Tables.Sources;

/// <summary>
/// A client program that is fed statement by statement. After each statement it is asked how many rows the server sent; only
/// that answer, and as many rows, make a result whole. A client that ends, is killed or loses its server gives no answer.
/// </summary>
internal sealed class ClientSession : ISourceSession
{
    private const int BufferSize = 512 * 1024;

    // Longer than the line with which a result ends.
    private const int TailLength = 128;

    private static readonly TimeSpan PatienceForBeginning = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PatienceForEnd = TimeSpan.FromSeconds(5);

    private readonly SourceConnection _connection;
    private readonly Process _process;
    private readonly Task<string> _errors;
    private readonly string _mark = "\0END" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
    private readonly byte[] _markOnWire;
    private byte[] _buffer = new byte[BufferSize];

    private ClientSession(SourceConnection connection, Process process)
    {
        _connection = connection;
        _process = process;
        _markOnWire = Encoding.ASCII.GetBytes(_mark.Replace("\0", "\\0", StringComparison.Ordinal) + "\t");
        _errors = ReadErrorsAsync(process.StandardError);
    }

    public SourceInfo Info { get; private set; } = new("", false, SourceInfo.SessionTimeZone);

    public static async Task<ISourceSession> OpenAsync(SourceClient client, SourceConnection connection, CancellationToken cancellationToken)
    {
        if (connection.OptionFile is { } file && !File.Exists(file))
        {
            throw new EtlException(
                EtlErrorKind.NotFound, "SourceOptionFileMissing", $"There is no option file {file} for {connection}.", file, "Correct option_file of the source.");
        }

        if (connection.CertificateFile is { } certificates && !File.Exists(certificates))
        {
            throw new EtlException(
                EtlErrorKind.NotFound, "SourceCertificateFileMissing", $"There is no certificate file {certificates} for {connection}.", certificates,
                "Correct ca_file of the source.");
        }

        Process process;
        try
        {
            process = Process.Start(client.Start(connection))!;
        }
        catch (Win32Exception error)
        {
            throw new EtlException(
                EtlErrorKind.NotFound, "SourceClientMissing", $"The client program {client.Path} cannot be started.", client.Path,
                "Check that this user may run it.", inner: error);
        }

        var session = new ClientSession(connection, process);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(PatienceForBeginning);
        try
        {
            await session.BeginAsync(patience.Token).ConfigureAwait(false);
            return session;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            await session.DisposeAsync().ConfigureAwait(false);
            throw new EtlException(
                EtlErrorKind.Connection, "SourceUnreachable", $"{connection} does not answer.", connection.Name,
                "Check host and port, the network, and that the server is up.", isTransient: true);
        }
        catch
        {
            await session.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async Task<IReadOnlyList<string?[]>> QueryAsync(string sql, string target, CancellationToken cancellationToken)
    {
        var text = new MemoryStream();
        await StreamAsync(sql, target, (piece, _) => { text.Write(piece.Span); return ValueTask.CompletedTask; }, cancellationToken).ConfigureAwait(false);
        var lines = Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length).Split('\n');
        return lines[..^1].Select(line => line.Split('\t').Select(BatchField.Unescape).ToArray()).ToList();
    }

    public async Task BeginSnapshotAsync(CancellationToken cancellationToken) =>
        await QueryAsync(SourceSql.BeginSnapshot, _connection.Name, cancellationToken).ConfigureAwait(false);

    public async Task<SourceStreamEnd> StreamAsync(
        string sql, string target, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> sink, CancellationToken cancellationToken)
    {
        await using var ending = cancellationToken.Register(Kill).ConfigureAwait(false);
        await AskAsync(sql, target, cancellationToken).ConfigureAwait(false);
        var (rows, bytes, end) = await ReadToEndAsync(target, sink, cancellationToken).ConfigureAwait(false);
        var isQuery = sql.StartsWith("SELECT", StringComparison.Ordinal);
        if (isQuery && end.Sent != rows)
        {
            throw SourceErrors.Incomplete(target, rows, end.Sent);
        }

        return new SourceStreamEnd(rows, bytes, isQuery && end.Warnings > 0 ? await ReadWarningsAsync(target, cancellationToken).ConfigureAwait(false) : []);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            // It may be in the middle of a result that nobody wants any more.
            Kill();
            await _process.WaitForExitAsync().ConfigureAwait(false);
        }

        _process.Dispose();
    }

    private static async Task<string> ReadErrorsAsync(StreamReader errors)
    {
        const int Most = 64 * 1024;
        var text = new StringBuilder();
        var buffer = new char[4096];
        while (await errors.ReadAsync(buffer).ConfigureAwait(false) is var count and > 0)
        {
            if (text.Length < Most)
            {
                text.Append(buffer, 0, count);
            }
        }

        return text.ToString();
    }

    private async Task BeginAsync(CancellationToken cancellationToken)
    {
        await QueryAsync(SourceSql.Session.TrimEnd(';', '\n', '\r', ' '), _connection.Name, cancellationToken).ConfigureAwait(false);
        var answer = (await QueryAsync(SourceSql.Info, _connection.Name, cancellationToken).ConfigureAwait(false))[0];
        var zone = _connection.TimeZone ?? (answer[2] == "SYSTEM" && answer[3] is "UTC" or "GMT" ? SourceInfo.SessionTimeZone : answer[2]!);
        if (zone is "UTC" or "+00:00" or "-00:00")
        {
            zone = SourceInfo.SessionTimeZone;
        }
        else if ((await QueryAsync(SourceSql.KnowsTimeZone(zone), _connection.Name, cancellationToken).ConfigureAwait(false))[0][0] != "1")
        {
            throw new EtlException(
                EtlErrorKind.Configuration,
                "SourceTimeZoneUnknown",
                $"{_connection} does not know the time zone {zone}.",
                zone,
                "Give time_zone of the source as an offset such as +12:00, or load the zone tables into the server.");
        }

        var isMariaDb = answer[0]!.Contains("MariaDB", StringComparison.OrdinalIgnoreCase) || answer[1]!.Contains("MariaDB", StringComparison.OrdinalIgnoreCase);
        Info = new SourceInfo(answer[0]!, isMariaDb, zone);
    }

    private async Task AskAsync(string sql, string target, CancellationToken cancellationToken)
    {
        try
        {
            var end = SourceSql.End(_mark.Replace("\0", "\\0", StringComparison.Ordinal));
            await _process.StandardInput.WriteAsync($"{sql};\n{end};\n".AsMemory(), cancellationToken).ConfigureAwait(false);
            await _process.StandardInput.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (IOException)
        {
            throw await FailureAsync(target, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<(long Rows, long Bytes, (long Sent, long Warnings) End)> ReadToEndAsync(
        string target, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> sink, CancellationToken cancellationToken)
    {
        var stream = _process.StandardOutput.BaseStream;
        long rows = 0, bytes = 0;
        var filled = 0;
        while (true)
        {
            var read = await stream.ReadAsync(_buffer.AsMemory(filled), cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                throw await FailureAsync(target, cancellationToken).ConfigureAwait(false);
            }

            filled += read;
            var data = LengthOfData(_buffer.AsSpan(0, filled), out var isEnd);
            rows += _buffer.AsSpan(0, data).Count((byte)'\n');
            bytes += data;
            if (data > 0)
            {
                await WriteAsync(_buffer.AsMemory(0, data), sink, cancellationToken).ConfigureAwait(false);
            }

            if (isEnd)
            {
                return (rows, bytes, ParseEnd(_buffer.AsSpan(data, filled - data)));
            }

            _buffer.AsSpan(data, filled - data).CopyTo(_buffer);
            filled -= data;
        }
    }

    /// <summary>How much of the buffer is rows; the rest is, or may become, the line with which a result ends.</summary>
    private int LengthOfData(ReadOnlySpan<byte> filled, out bool isEnd)
    {
        isEnd = false;
        var tail = Math.Max(0, filled.Length - TailLength);
        var isWhole = filled[^1] == '\n';
        var before = filled[tail..(isWhole ? ^1 : ^0)].LastIndexOf((byte)'\n');
        if (before < 0 && tail > 0)
        {
            // A long line: the one that ends a result is short.
            return filled.Length;
        }

        var start = tail + before + 1;
        isEnd = isWhole && filled[start..].StartsWith(_markOnWire);
        return isEnd || !isWhole ? start : filled.Length;
    }

    private (long Sent, long Warnings) ParseEnd(ReadOnlySpan<byte> line)
    {
        var fields = Encoding.ASCII.GetString(line[_markOnWire.Length..]).TrimEnd('\n').Split('\t');
        return (long.Parse(fields[0], CultureInfo.InvariantCulture), long.Parse(fields[1], CultureInfo.InvariantCulture));
    }

    /// <summary>The client leaves carriage returns as they are, which COPY takes for the end of a line.</summary>
    private static async ValueTask WriteAsync(
        ReadOnlyMemory<byte> data, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> sink, CancellationToken cancellationToken)
    {
        var next = data.Span.IndexOf((byte)'\r');
        if (next < 0)
        {
            await sink(data, cancellationToken).ConfigureAwait(false);
            return;
        }

        var rewritten = ArrayPool<byte>.Shared.Rent(data.Length * 2);
        try
        {
            await sink(rewritten.AsMemory(0, EscapeReturns(data.Span, rewritten)), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rewritten);
        }
    }

    private static int EscapeReturns(ReadOnlySpan<byte> data, Span<byte> rewritten)
    {
        var length = 0;
        for (var next = data.IndexOf((byte)'\r'); next >= 0; next = data.IndexOf((byte)'\r'))
        {
            data[..next].CopyTo(rewritten[length..]);
            length += next;
            rewritten[length++] = (byte)'\\';
            rewritten[length++] = (byte)'r';
            data = data[(next + 1)..];
        }

        data.CopyTo(rewritten[length..]);
        return length + data.Length;
    }

    private async Task<IReadOnlyList<int>> ReadWarningsAsync(string target, CancellationToken cancellationToken)
    {
        // Level, number, words: the words can hold values.
        var warnings = await QueryAsync(SourceSql.Warnings, target, cancellationToken).ConfigureAwait(false);
        return warnings.Select(warning => int.Parse(warning[1]!, CultureInfo.InvariantCulture)).Distinct().ToList();
    }

    private async Task<Exception> FailureAsync(string target, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(PatienceForEnd);
        try
        {
            await _process.WaitForExitAsync(patience.Token).ConfigureAwait(false);
            var said = await _errors.WaitAsync(patience.Token).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            return SourceErrors.Translate(said, _process.ExitCode, _connection, target);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return SourceErrors.Ended(null, target);
        }
    }

    private void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (Exception error) when (error is InvalidOperationException or Win32Exception)
        {
            // It has ended by itself.
        }
    }
}
