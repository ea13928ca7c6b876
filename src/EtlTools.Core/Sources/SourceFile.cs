using System.Globalization;

namespace EtlTools.Core.Sources;

/// <summary>A file whose name has been read: what it holds, for which practice, and when it was extracted.</summary>
public sealed record SourceFile
{
    public required SourceObject Object { get; init; }

    /// <summary>Name of the configured extract type (never an alias).</summary>
    public required string ExtractType { get; init; }

    public string PerOrgId { get; init; } = "";

    public string PracticeId { get; init; } = "";

    /// <summary>Wall-clock time in the pipeline's zone; half-open range of the extract.</summary>
    public DateTime? DateFrom { get; init; }

    public DateTime? DateTo { get; init; }

    /// <summary>Wall-clock time in the pipeline's zone. Decides which version of a key is newest.</summary>
    public required DateTime ExtractedAt { get; init; }

    /// <summary>Whether the name says when it was extracted; else it is taken to be when it was last modified.</summary>
    public bool IsDated { get; init; } = true;

    /// <summary>date_extracted as the name has it (kept verbatim in the ledger); last-modified time where it has none.</summary>
    public required string DateExtracted { get; init; }

    /// <summary>The deployment's identity of a file's content: see <see cref="FileIdentity"/>.</summary>
    public required string FileHash { get; init; }

    /// <summary>date_extracted of a file whose name has none.</summary>
    internal static string DateText(DateTime extractedAt) => extractedAt.ToString("yyyyMMddHHmmss", CultureInfo.InvariantCulture);
}

/// <summary>A file whose name could not be read. It is shown to the admin and never ends a discovery.</summary>
/// <param name="Object">The object.</param>
/// <param name="ErrorId">FileNameNotRecognised, FileNameDateInvalid, ExtractTypeUnknown, ...</param>
/// <param name="Reason">What does not fit, in words, without data values.</param>
public sealed record UnrecognisedFile(SourceObject Object, string ErrorId, string Reason);
