using System.Globalization;
using EtlTools.Core.Configuration;

namespace EtlTools.Benchmarks.Data;

/// <summary>Rows as wide as the vendor's patients: 220 columns, most of them short or empty, about 1,750 characters a row.</summary>
internal static class Patients
{
    public const string ExtractType = "Patients";
    public const string Table = "patients";
    private const int ColumnCount = 220;

    public static readonly IReadOnlyList<ColumnConfig> Columns = Enumerable.Range(1, ColumnCount)
        .Select(number => number == 1
            ? new ColumnConfig { Name = "patient_id", Type = "integer", NotNull = true }
            : new ColumnConfig { Name = string.Create(CultureInfo.InvariantCulture, $"column_{number:D3}") })
        .ToList();

    public static void Write(string path, DialectConfig dialect, int rows)
    {
        using var writer = new DelimitedWriter(path, dialect);
        var random = new Random(220);
        for (var row = 0; row < rows; row++)
        {
            writer.Add(Events.FirstKey + row);
            for (var column = 2; column <= ColumnCount; column++)
            {
                AddValue(writer, random, column);
            }

            writer.EndRow();
        }
    }

    private static void AddValue(DelimitedWriter writer, Random random, int column)
    {
        switch (column % 11)
        {
            case 0:
                writer.Add("2021-07-0" + (char)('1' + random.Next(9)) + " 00:00:00.000");
                break;
            case 1 or 5 or 8:
                writer.Add(random.Next(2));
                break;
            case 3:
                writer.Add(random.Next(100_000));
                break;
            case 6 when random.Next(3) == 0:
                writer.Add("Some text of a form");
                break;
            default:
                writer.Add("");
                break;
        }
    }
}
