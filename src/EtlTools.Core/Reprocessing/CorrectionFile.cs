using System.Globalization;
using CsvHelper;

namespace EtlTools.Core.Reprocessing;

/// <summary>
/// Corrections as an admin writes them: a CSV file with a header, the column rejected_row_id, and a column for every raw
/// column that is to be set. An empty cell is an empty field.
/// </summary>
public static class CorrectionFile
{
    private const string IdColumn = "rejected_row_id";

    private static readonly CsvReaderOptions Strict = new()
    {
        Separator = ',',
        MalformedData = CsvMalformedDataHandling.Throw,
        FieldCountMismatch = CsvFieldCountHandling.Throw,
        TrackLineNumbers = true,
        IncludeValuesInExceptions = false,
    };

    /// <exception cref="EtlException">CorrectionFileNotFound, CorrectionFileUnreadable, CorrectionFileInvalid (with the line).</exception>
    public static IReadOnlyList<RowCorrection> Read(string path)
    {
        try
        {
            using var csv = CsvReader.FromFile(path, Strict);
            return Read(csv, path);
        }
        catch (CsvFormatException error)
        {
            throw Invalid(path, error.LineNumber, "the line is not valid CSV, or its number of fields is not the header's");
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new EtlException(
                EtlErrorKind.NotFound, "CorrectionFileNotFound", $"There is no file {path}.", path, "Check the path.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new EtlException(
                EtlErrorKind.Permission,
                "CorrectionFileUnreadable",
                $"The file {path} cannot be read.",
                path,
                "Check its permissions, and that no other program holds it.");
        }
    }

    private static List<RowCorrection> Read(CsvReader csv, string path)
    {
        csv.ReadHeader();
        var columns = csv.Headers;
        CheckHeader(columns, path);

        var corrections = new List<RowCorrection>();
        var seen = new HashSet<long>();
        while (csv.Read())
        {
            var values = columns.Zip(csv.Current.ToArray()).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.Ordinal);
            if (!long.TryParse(values[IdColumn], NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            {
                throw Invalid(path, csv.LineNumber, $"{IdColumn} is not a whole number");
            }

            if (!seen.Add(id))
            {
                throw Invalid(path, csv.LineNumber, $"{IdColumn} {id} stands there twice");
            }

            values.Remove(IdColumn);
            corrections.Add(new RowCorrection
            {
                RejectedRowId = id,
                Values = values.ToDictionary(
                    pair => pair.Key, pair => pair.Value.Length > 0 ? pair.Value : null, StringComparer.Ordinal),
            });
        }

        return corrections;
    }

    private static void CheckHeader(IReadOnlyList<string> columns, string path)
    {
        if (!columns.Contains(IdColumn, StringComparer.Ordinal))
        {
            throw Invalid(path, 1, $"the header has no column {IdColumn}");
        }

        if (columns.Distinct(StringComparer.Ordinal).Count() != columns.Count)
        {
            throw Invalid(path, 1, "the header names a column twice");
        }

        if (columns.Count == 1)
        {
            throw Invalid(path, 1, $"the header names no column beside {IdColumn}");
        }
    }

    private static EtlException Invalid(string path, long line, string mistake) => new(
        EtlErrorKind.InvalidInput,
        "CorrectionFileInvalid",
        $"{path}, line {line}: {mistake}.",
        path,
        $"Write a CSV file with a header: {IdColumn}, and the raw columns that are to be set.");
}
