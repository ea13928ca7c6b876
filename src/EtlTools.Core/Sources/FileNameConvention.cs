using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.RegularExpressions;
using EtlTools.Core.Configuration;

namespace EtlTools.Core.Sources;

/// <summary>Reads a pipeline's file names: what a file holds, for whom, and when it was extracted.</summary>
public sealed class FileNameConvention
{
    private static readonly TimeSpan MatchTimeout = TimeSpan.FromSeconds(1);
    private static readonly CultureInfo Dates = MakeDates();

    private readonly PipelineConfig _pipeline;
    private readonly Regex _pattern;
    private readonly TimeZoneInfo _zone;

    /// <exception cref="EtlException">FileNamePatternInvalid, TimeZoneUnknown.</exception>
    public FileNameConvention(PipelineConfig pipeline)
    {
        _pipeline = pipeline;
        _pattern = MakePattern(pipeline);
        _zone = FindZone(pipeline);
    }

    /// <summary>What follows the last slash of either kind: keys are known to hold Windows paths.</summary>
    public static string BaseName(string key) => key[(key.LastIndexOfAny(['/', '\\']) + 1)..];

    /// <summary>Never throws for a name: what cannot be read comes back as unrecognised, with the reason.</summary>
    public bool TryRead(
        SourceObject source,
        [NotNullWhen(true)] out SourceFile? file,
        [NotNullWhen(false)] out UnrecognisedFile? unrecognised)
    {
        file = null;
        unrecognised = null;
        if (Match(source) is not { } match)
        {
            unrecognised = new(source, "FileNameNotRecognised", "The name does not fit the pipeline's file-name pattern.");
        }
        else if (FindExtractType(match) is not { } extractType)
        {
            unrecognised = new(source, "ExtractTypeUnknown", "The pipeline has no extract type with the name in the file's name.");
        }
        else
        {
            unrecognised = ReadDates(source, match, extractType, out file);
        }

        return unrecognised is null && file is not null;
    }

    private UnrecognisedFile? ReadDates(SourceObject source, Match match, ExtractTypeConfig extractType, out SourceFile? file)
    {
        file = null;
        var format = _pipeline.FileName.DateFormat;
        var extractedFormat = _pipeline.FileName.DateExtractedFormat;
        if (!TryReadDate(match.Groups["date_from"], format, out var from))
        {
            return DateInvalid(source, $"date_from is not a date of the form {format}.");
        }

        if (!TryReadDate(match.Groups["date_to"], format, out var to))
        {
            return DateInvalid(source, $"date_to is not a date of the form {format}.");
        }

        if (!TryReadDate(match.Groups["date_extracted"], extractedFormat, out var extracted))
        {
            return DateInvalid(source, $"date_extracted is not a date of the form {extractedFormat}.");
        }

        if (extracted < to)
        {
            return DateInvalid(source, "date_extracted is before date_to: a file cannot hold what was not there yet.");
        }

        var modified = TimeZoneInfo.ConvertTime(source.LastModified, _zone).DateTime;
        file = new SourceFile
        {
            Object = source,
            ExtractType = extractType.Name,
            PerOrgId = match.Groups["per_org_id"].Value,
            PracticeId = match.Groups["practice_id"].Value,
            DateFrom = from,
            DateTo = to,
            ExtractedAt = extracted ?? modified,
            IsDated = extracted is not null,
            DateExtracted = extracted is null
                ? SourceFile.DateText(modified)
                : match.Groups["date_extracted"].Value,
            FileHash = FileIdentity.Hash(source),
        };
        return null;
    }

    private Match? Match(SourceObject source)
    {
        var name = BaseName(source.Key);
        var extension = _pipeline.FileName.Extension;
        if (extension.Length > 0 && name.EndsWith(extension, StringComparison.OrdinalIgnoreCase))
        {
            name = name[..^extension.Length];
        }

        try
        {
            var match = _pattern.Match(name);
            return match.Success ? match : null;
        }
        catch (RegexMatchTimeoutException)
        {
            return null;
        }
    }

    private ExtractTypeConfig? FindExtractType(Match match)
    {
        var group = match.Groups["extract_type"];
        if (group.Success)
        {
            return _pipeline.FindExtractType(group.Value);
        }

        return _pipeline.ExtractTypes.Count == 1 ? _pipeline.ExtractTypes[0] : null;
    }

    // A group that the pattern lacks is no mistake: the date is then not told.
    private static bool TryReadDate(Group group, string format, out DateTime? date)
    {
        date = null;
        if (!group.Success)
        {
            return true;
        }

        if (!DateTime.TryParseExact(group.ValueSpan, format, Dates, DateTimeStyles.None, out var parsed))
        {
            return false;
        }

        date = DateTime.SpecifyKind(parsed, DateTimeKind.Unspecified);
        return true;
    }

    private static UnrecognisedFile DateInvalid(SourceObject source, string reason) => new(source, "FileNameDateInvalid", reason);

    private static Regex MakePattern(PipelineConfig pipeline)
    {
        try
        {
            return new Regex(pipeline.FileName.Pattern, RegexOptions.CultureInvariant, MatchTimeout);
        }
        catch (ArgumentException exception)
        {
            throw new EtlException(
                EtlErrorKind.Configuration,
                "FileNamePatternInvalid",
                "The file-name pattern is not a regular expression.",
                pipeline.Origin,
                "Correct fileName.pattern in the pipeline file.",
                inner: exception);
        }
    }

    private static TimeZoneInfo FindZone(PipelineConfig pipeline)
    {
        if (TimeZoneInfo.TryFindSystemTimeZoneById(pipeline.TimeZone, out var zone))
        {
            return zone;
        }

        throw new EtlException(
            EtlErrorKind.Configuration,
            "TimeZoneUnknown",
            $"There is no time zone '{pipeline.TimeZone}'.",
            pipeline.Origin,
            "Set timeZone in the pipeline file to an IANA name, such as Pacific/Auckland.");
    }

    // Two-digit years from 70 on are of the last century, as the database reads them.
    private static CultureInfo MakeDates()
    {
        var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        culture.Calendar.TwoDigitYearMax = 2069;
        return CultureInfo.ReadOnly(culture);
    }
}
