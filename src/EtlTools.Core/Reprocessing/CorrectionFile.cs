using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;

namespace EtlTools.Core.Reprocessing;

/// <summary>
/// Corrections as an admin writes them: a CSV file with a header, the column rejected_row_id, and a column for every raw
/// column that is to be set. An empty cell is an empty field.
/// </summary>
public static class CorrectionFile
{
    private const string IdColumn = "rejected_row_id";

    /// <exception cref="EtlException">CorrectionFileNotFound, CorrectionFileInvalid (with the line).</exception>
    public static IReadOnlyList<RowCorrection> Read(string path)
    {
        try
        {
            using var text = new StreamReader(path);
            using var csv = new CsvReader(text, new CsvConfiguration(CultureInfo.InvariantCulture) { TrimOptions = TrimOptions.None });
            return Read(csv, path);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new EtlException(
                EtlErrorKind.NotFound, "CorrectionFileNotFound", $"There is no file {path}.", path, "Check the path.", inner: exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new EtlException(
                EtlErrorKind.Permission,
                "CorrectionFileUnreadable",
                $"The file {path} cannot be read.",
                path,
                "Check its permissions, and that no other program holds it.",
                inner: exception);
        }
    }

    private static List<RowCorrection> Read(CsvReader csv, string path)
    {
        try
        {
            if (!csv.Read() || !csv.ReadHeader())
            {
                throw Invalid(path, 1, "the file is empty");
            }

            var columns = Columns(csv, path);
            var corrections = new List<RowCorrection>();
            var seen = new HashSet<long>();
            while (csv.Read())
            {
                corrections.Add(Row(csv, columns, seen, path));
            }

            return corrections;
        }
        catch (CsvHelperException)
        {
            // The inner exception quotes the row: patients' data.
            throw Invalid(path, csv.Context.Parser?.RawRow ?? 0, "the line is not valid CSV");
        }
    }

    private static string[] Columns(CsvReader csv, string path)
    {
        var header = csv.HeaderRecord ?? [];
        var hasId = header.Contains(IdColumn, StringComparer.Ordinal);
        var isUnique = header.Distinct(StringComparer.Ordinal).Count() == header.Length;
        return (hasId, isUnique, header.Length) switch
        {
            (false, _, _) => throw Invalid(path, 1, $"the header has no column {IdColumn}"),
            (_, false, _) => throw Invalid(path, 1, "the header names a column twice"),
            (_, _, 1) => throw Invalid(path, 1, $"the header names no column beside {IdColumn}"),
            _ => header,
        };
    }

    private static RowCorrection Row(CsvReader csv, string[] columns, HashSet<long> seen, string path)
    {
        var line = csv.Context.Parser?.RawRow ?? 0;
        if (csv.Parser.Count != columns.Length)
        {
            throw Invalid(path, line, $"the line has {csv.Parser.Count} fields, the header {columns.Length}");
        }

        if (!long.TryParse(csv.GetField(IdColumn), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
        {
            throw Invalid(path, line, $"{IdColumn} is not a whole number");
        }

        if (!seen.Add(id))
        {
            throw Invalid(path, line, $"{IdColumn} {id} stands there twice");
        }

        return new RowCorrection
        {
            RejectedRowId = id,
            Values = columns.Where(column => column != IdColumn).ToDictionary(
                column => column,
                column => csv.GetField(column) is { Length: > 0 } text ? text : null,
                StringComparer.Ordinal),
        };
    }

    private static EtlException Invalid(string path, int line, string mistake) => new(
        EtlErrorKind.InvalidInput,
        "CorrectionFileInvalid",
        $"{path}, line {line}: {mistake}.",
        path,
        $"Write a CSV file with a header: {IdColumn}, and the raw columns that are to be set.");
}
