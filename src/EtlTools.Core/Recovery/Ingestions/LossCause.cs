namespace EtlTools.Core.Recovery.Ingestions;

/// <summary>Why metrics of an ingestion are not in their tables, as far as it is recorded or can be seen.</summary>
public enum LossCause
{
    /// <summary>Nothing is lost.</summary>
    None,

    /// <summary>Rows are missing, and nobody recorded an error.</summary>
    SilentDataLoss,

    /// <summary>A statement with more than PostgreSQL's 65,535 parameters.</summary>
    ParameterLimit,

    /// <summary>Values that were found implausible, or that a constraint of a table refused.</summary>
    Validation,

    /// <summary>A key that was there already, or twice in a batch.</summary>
    DuplicateKey,

    /// <summary>The service had no connection to the database.</summary>
    Connection,

    /// <summary>It took too long.</summary>
    Timeout,

    /// <summary>The payload could not be read.</summary>
    Parsing,

    /// <summary>The service ran out of memory.</summary>
    Memory,

    /// <summary>A type of metric that nobody knew.</summary>
    UnknownType,

    /// <summary>The data was above the service's limit and was never kept: only a note of it is stored.</summary>
    UnrecoverableStub,

    /// <summary>An error was recorded that fits none of these.</summary>
    Other,
}
