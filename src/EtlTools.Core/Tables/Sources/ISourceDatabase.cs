namespace EtlTools.Core.Tables.Sources;

/// <summary>A source of tables. The one there is reads through the database's own client; a driver could take its place.</summary>
internal interface ISourceDatabase
{
    SourceConnection Connection { get; }

    /// <exception cref="EtlException">SourceClientMissing, SourceUnreachable, SourceAuthenticationFailed, SourceTlsFailed, ...</exception>
    Task<ISourceSession> OpenAsync(CancellationToken cancellationToken);
}

/// <summary>One session of a source, for one statement at a time. After an error it is of no more use.</summary>
internal interface ISourceSession : IAsyncDisposable
{
    SourceInfo Info { get; }

    /// <summary>The rows of a small result. Fields are text as the server writes it; <see cref="SourceSql.NullMark"/> is null.</summary>
    Task<IReadOnlyList<string?[]>> QueryAsync(string sql, string target, CancellationToken cancellationToken);

    /// <summary>
    /// Streams a SELECT as lines of COPY's text format with <see cref="SourceSql.CopyNull"/> for NULL, and returns when all of it
    /// has come.
    /// </summary>
    /// <param name="sql">One SELECT, whose expressions are those of ColumnMapping.</param>
    /// <param name="target">The table, for an error.</param>
    /// <param name="sink">Takes the text piece by piece; a piece need not end with a line.</param>
    /// <param name="cancellationToken">Ends the session.</param>
    /// <exception cref="EtlException">Whatever came is not whole, and must not be used.</exception>
    Task<SourceStreamEnd> StreamAsync(
        string sql, string target, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> sink, CancellationToken cancellationToken);

    /// <summary>From here to the next call all statements see one state of those tables whose engine knows transactions.</summary>
    Task BeginSnapshotAsync(CancellationToken cancellationToken);
}

/// <summary>What a source is, and when it is.</summary>
/// <param name="Version">As the server writes it.</param>
/// <param name="IsMariaDb">False: MySQL.</param>
/// <param name="TimeZone">In which its timestamps are written into the copy; +00:00 is that of the session.</param>
internal sealed record SourceInfo(string Version, bool IsMariaDb, string TimeZone)
{
    public const string SessionTimeZone = "+00:00";

    public bool IsUtc => TimeZone == SessionTimeZone;
}
