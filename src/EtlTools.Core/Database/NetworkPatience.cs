namespace EtlTools.Core.Database;

/// <summary>
/// How long to wait for a database whose network may be gone without a sign. Work that answers nothing for hours, such as a
/// bulk statement, is not meant: only what is quick on every server that still answers.
/// </summary>
internal sealed record NetworkPatience
{
    /// <summary>For the answer to COMMIT, which is then taken for lost.</summary>
    public TimeSpan Commit { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>For the server to give up a session that was lost at COMMIT; then it is told to.</summary>
    public TimeSpan LostSession { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>For the database to tell how a COMMIT ended whose answer was lost. It may have to start again first.</summary>
    public TimeSpan Outcome { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>To record the failure of a file; where that fails, the next run finds it left behind.</summary>
    public TimeSpan Failure { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>For the answer to a heartbeat, after which the run takes its lease again on another session.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(30);
}
