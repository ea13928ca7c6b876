using System.Globalization;
using EtlTools.Core.Configuration;

namespace EtlTools.Benchmarks.Data;

/// <summary>
/// Rows of 12 columns of many types, about 130 bytes each as CSV. Everything follows from key and version: the same call
/// makes the same file on every machine.
/// </summary>
internal static class Events
{
    public const string ExtractType = "Events";
    public const string Table = "events";
    public const int FirstKey = 10_000_000;

    public static readonly IReadOnlyList<ColumnConfig> Columns =
    [
        new() { Name = "event_id", Type = "bigint", NotNull = true },
        new() { Name = "patient_id", Type = "integer", NotNull = true },
        new() { Name = "practice_id", Type = "integer", NotNull = true },
        new() { Name = "event_type", Type = "character varying(20)" },
        new() { Name = "code", Type = "character varying(10)" },
        new() { Name = "description" },
        new() { Name = "value", Type = "numeric(10,2)" },
        new() { Name = "unit" },
        new() { Name = "taken_on", Type = "date" },
        new() { Name = "recorded_at", Type = "timestamp without time zone" },
        new() { Name = "is_active", Type = "boolean" },
        new() { Name = "note" },
    ];

    private static readonly string[] Types = ["Consultation", "Measurement", "Immunisation", "Recall", "Referral"];
    private static readonly string[] Units = ["mmol/L", "kg", "cm", "mmHg", "", "umol/L", "%", ""];
    private static readonly string[] Descriptions =
    [
        "Type 2 diabetes mellitus", "Blood pressure, sitting", "Body weight", "Influenza vaccination", "Annual review due",
        "Serum creatinine", "Asthma, mild persistent", "HbA1c result received", "Referral to physiotherapy", "Lipid panel, fasting",
    ];

    private static readonly string[] Notes =
    [
        "Reviewed, no change to the plan", "Said \"feels well\" today", "Repeat in three months", "Phoned; left a message",
        "First line of a note\nand its second line", "Mātāmuri: kia ora, whānau present", "Result copied to the specialist",
    ];

    /// <summary>Keys in random order, the same order every time.</summary>
    public static int[] ShuffledKeys(int count)
    {
        var keys = Enumerable.Range(FirstKey, count).ToArray();
        new Random(4180).Shuffle(keys);
        return keys;
    }

    /// <param name="path">The file.</param>
    /// <param name="dialect">How it is written.</param>
    /// <param name="keys">One row each, in this order.</param>
    /// <param name="version">Rows of a key differ from version to version.</param>
    /// <param name="badRows">Every so many rows one has a date that staging rejects; 0: none.</param>
    public static void Write(string path, DialectConfig dialect, ReadOnlySpan<int> keys, int version, int badRows = 0)
    {
        using var writer = new DelimitedWriter(path, dialect);
        if (dialect.Header)
        {
            foreach (var column in Columns)
            {
                writer.Add(column.Name);
            }

            writer.EndRow();
        }

        for (var row = 0; row < keys.Length; row++)
        {
            WriteRow(writer, keys[row], version, isBad: badRows > 0 && row % badRows == badRows - 1);
        }
    }

    private static void WriteRow(DelimitedWriter writer, int key, int version, bool isBad)
    {
        var hash = Mix(((ulong)(uint)key << 32) | (uint)version);
        var day = new DateTime(2015, 1, 1).AddDays(Take(ref hash, 4000));
        Span<char> text = stackalloc char[32];
        writer.Add(key);
        writer.Add(100_000 + Take(ref hash, 400_000));
        writer.Add(500 + Take(ref hash, 40));
        writer.Add(Types[Take(ref hash, Types.Length)]);
        text[0] = (char)('A' + Take(ref hash, 26));
        Take(ref hash, 999).TryFormat(text[1..], out var length, "00'.'0", CultureInfo.InvariantCulture);
        writer.Add(text[..(length + 1)]);
        writer.Add(Descriptions[Take(ref hash, Descriptions.Length)]);
        (Take(ref hash, 30_000) / 100m).TryFormat(text, out length, "0.00", CultureInfo.InvariantCulture);
        writer.Add(Take(ref hash, 5) == 0 ? "" : text[..length]);
        writer.Add(Units[Take(ref hash, Units.Length)]);
        day.TryFormat(text, out length, "yyyy-MM-dd", CultureInfo.InvariantCulture);
        writer.Add(isBad ? "2023-02-30" : text[..length]);
        day.AddMilliseconds(Take(ref hash, 86_400_000)).TryFormat(text, out length, "yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture);
        writer.Add(text[..length]);
        writer.Add(Take(ref hash, 2) == 0 ? "0" : "1");
        writer.Add(Take(ref hash, 2) == 0 ? "" : Notes[NoteIndex(ref hash)]);
        writer.EndRow();
    }

    // Quotes and line breaks are rare in real files: one note in sixteen.
    private static int NoteIndex(ref ulong hash) => Take(ref hash, 16) == 0 ? Take(ref hash, Notes.Length) : Take(ref hash, 4) switch
    {
        0 => 0,
        1 => 2,
        2 => 3,
        _ => 6,
    };

    private static int Take(ref ulong hash, int range)
    {
        hash = Mix(hash + 0x9E3779B97F4A7C15);
        return (int)((hash >> 33) % (ulong)range);
    }

    private static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
