namespace EtlTools.Core;

/// <summary>What went wrong, in the terms an admin acts on. A cmdlet maps it to an error category.</summary>
public enum EtlErrorKind
{
    /// <summary>An argument, a name or a reason that cannot be right.</summary>
    InvalidInput,

    /// <summary>A run, file, receipt, table, bucket or object that is not there.</summary>
    NotFound,

    /// <summary>The state of things forbids it: a stale plan, an undo that others built on.</summary>
    Conflict,

    /// <summary>Somebody else is at it now; trying again later can succeed.</summary>
    Busy,

    /// <summary>The database or the source refuses this user.</summary>
    Permission,

    /// <summary>The database does not answer.</summary>
    Connection,

    /// <summary>A pipeline or profile file has a mistake.</summary>
    Configuration,

    /// <summary>The schema is missing, old or does not fit the configuration.</summary>
    Schema,

    /// <summary>The bucket or folder does not answer, or the object changed while it was read.</summary>
    Source,

    /// <summary>A file's content cannot be taken.</summary>
    Data,

    /// <summary>The database ran out of something: disk, locks, time.</summary>
    Resource,
}

/// <summary>
/// The one exception the engine throws on purpose. Its message never holds a data value: it names SqlState, table,
/// column, line and file only, so that it may go to any log.
/// </summary>
public sealed class EtlException : Exception
{
    public EtlException(
        EtlErrorKind kind,
        string errorId,
        string message,
        string target,
        string nextStep,
        bool isTransient = false,
        Exception? inner = null)
        : base(message, inner)
    {
        Kind = kind;
        ErrorId = errorId;
        Target = target;
        NextStep = nextStep;
        IsTransient = isTransient;
    }

    public EtlErrorKind Kind { get; }

    /// <summary>A stable id in PascalCase, the same in every version: scripts match on it.</summary>
    public string ErrorId { get; }

    /// <summary>What it is about: a run id, a file key, a table, a path.</summary>
    public string Target { get; }

    /// <summary>What to do next, in one sentence.</summary>
    public string NextStep { get; }

    /// <summary>True where the same call may succeed a moment later (lost connection, deadlock, throttling).</summary>
    public bool IsTransient { get; }
}
