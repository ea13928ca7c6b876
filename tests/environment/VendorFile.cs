using System.Globalization;
using System.Text;
using EtlTools.Core.Configuration;

namespace EtlTools.TestEnvironment;

/// <summary>
/// A file as a vendor writes it: by default the Indici dialect (UTF-16LE without a byte-order mark, |^^| between fields,
/// |~~| after every row), or that of a pipeline.
/// </summary>
public sealed class VendorFile
{
    public static readonly DialectConfig IndiciDialect = new()
    {
        FieldSeparator = "|^^|",
        RowSeparator = "|~~|",
        Encoding = "utf-16le",
    };

    private readonly StringBuilder _text = new();
    private readonly IReadOnlyList<ColumnConfig> _columns;
    private readonly IReadOnlyCollection<string> _naturalKey;
    private string? _name;

    private VendorFile(
        string extractType, IReadOnlyList<ColumnConfig> columns, IReadOnlyCollection<string> naturalKey, DialectConfig dialect)
    {
        (ExtractType, _columns, _naturalKey, Dialect) = (extractType, columns, naturalKey, dialect);
        if (dialect.Header)
        {
            AddFields(columns.Select(column => column.Name));
        }
    }

    public string ExtractType { get; }

    public DialectConfig Dialect { get; }

    public string PerOrgId { get; init; } = "685146";

    public string PracticeId { get; init; } = "535";

    public DateTime DateFrom { get; init; } = new(2025, 8, 17, 5, 44, 0);

    public DateTime DateTo { get; init; } = new(2025, 8, 18, 5, 44, 0);

    public DateTime DateExtracted { get; init; } = new(2025, 8, 18, 10, 44, 0);

    /// <summary>The vendor's name for it, e.g. 685146_535_Allergies_202508180544_202508181044_2508181044.csv, unless one is set.</summary>
    public string Name
    {
        get => _name ?? string.Create(
            CultureInfo.InvariantCulture,
            $"{PerOrgId}_{PracticeId}_{ExtractType}_{DateFrom:yyyyMMddHHmm}_{DateTo:yyyyMMddHHmm}_{DateExtracted:yyMMddHHmm}.csv");
        init => _name = value;
    }

    /// <summary>How many rows were added, good and bad.</summary>
    public int RowCount { get; private set; }

    /// <summary>A file of one of a pipeline's extract types, in the pipeline's dialect.</summary>
    public static VendorFile For(PipelineConfig pipeline, string extractType, DateTime? dateExtracted = null)
    {
        var type = pipeline.FindExtractType(extractType)
            ?? throw new ArgumentException($"The pipeline has no extract type {extractType}.", nameof(extractType));
        return Create(extractType, type.Columns.Where(column => column.InFile).ToList(), type.NaturalKey, pipeline.Dialect, dateExtracted);
    }

    /// <summary>A file with text columns of these names.</summary>
    public static VendorFile WithColumns(
        string extractType, IEnumerable<string> columns, DialectConfig? dialect = null, DateTime? dateExtracted = null) =>
        Create(
            extractType,
            columns.Select(name => new ColumnConfig { Name = name }).ToList(),
            [],
            dialect ?? IndiciDialect,
            dateExtracted);

    /// <summary>A row of named values; a column without one is empty.</summary>
    public VendorFile AddRow(params (string Column, string Value)[] values)
    {
        CheckNames(values);
        var byName = values.ToDictionary(value => value.Column, value => value.Value, StringComparer.Ordinal);
        return AddValues(_columns.Select(column => byName.GetValueOrDefault(column.Name, "")));
    }

    /// <summary>
    /// A row that passes every check: each column a value that fits its type, the key columns the key, the practice and
    /// the organisation those of the file. The named values replace the made ones.
    /// </summary>
    public VendorFile AddValidRow(long key, params (string Column, string Value)[] values)
    {
        CheckNames(values);
        var byName = values.ToDictionary(value => value.Column, value => value.Value, StringComparer.Ordinal);
        return AddValues(_columns.Select(column => byName.TryGetValue(column.Name, out var value) ? value : MakeValue(column, key)));
    }

    /// <summary>A row of any number of fields.</summary>
    public VendorFile AddFields(params IEnumerable<string> fields)
    {
        _text.AppendJoin(Dialect.FieldSeparator, fields.Select(Quote)).Append(Dialect.RowSeparator ?? "\n");
        return this;
    }

    /// <summary>Text as it is, without a row separator.</summary>
    public VendorFile AddText(string text)
    {
        _text.Append(text);
        return this;
    }

    public byte[] ToBytes() => EncodingOf(Dialect.Encoding).GetBytes(_text.ToString());

    /// <summary>Writes it under its name. Returns the path.</summary>
    public string WriteTo(string folder)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, Name);
        File.WriteAllBytes(path, ToBytes());
        return path;
    }

    private static VendorFile Create(
        string extractType,
        IReadOnlyList<ColumnConfig> columns,
        IReadOnlyCollection<string> naturalKey,
        DialectConfig dialect,
        DateTime? dateExtracted)
    {
        var extracted = dateExtracted ?? new DateTime(2025, 8, 18, 10, 44, 0);
        return new VendorFile(extractType, columns, naturalKey, dialect)
        {
            DateFrom = extracted.AddDays(-1).AddHours(-5),
            DateTo = extracted.AddHours(-5),
            DateExtracted = extracted,
        };
    }

    /// <summary>An encoding that writes no byte-order mark.</summary>
    private static Encoding EncodingOf(string name) => name switch
    {
        "utf-8" => new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
        "utf-16le" => new UnicodeEncoding(bigEndian: false, byteOrderMark: false),
        "utf-16be" => new UnicodeEncoding(bigEndian: true, byteOrderMark: false),
        "iso-8859-1" => Encoding.Latin1,
        _ => CodePagesEncodingProvider.Instance.GetEncoding(name) ?? throw new ArgumentException($"No encoding {name}.", nameof(name)),
    };

    private VendorFile AddValues(IEnumerable<string> values)
    {
        RowCount++;
        return AddFields(values);
    }

    private void CheckNames((string Column, string Value)[] values)
    {
        if (values.FirstOrDefault(value => _columns.All(column => column.Name != value.Column)).Column is { } unknown)
        {
            throw new ArgumentException($"{ExtractType} has no column {unknown}.", nameof(values));
        }
    }

    private string MakeValue(ColumnConfig column, long key)
    {
        switch (column.Name)
        {
            case "practice_id":
                return PracticeId;
            case "per_org_id":
                return PerOrgId;
        }

        if (_naturalKey.Contains(column.Name))
        {
            return key.ToString(CultureInfo.InvariantCulture);
        }

        var type = column.Type.ToLowerInvariant();
        return type switch
        {
            "boolean" => (key % 2).ToString(CultureInfo.InvariantCulture),
            "date" => "2025-01-02",
            _ when type.StartsWith("timestamp", StringComparison.Ordinal) => "2025-01-02 03:04:05.670",
            _ when type.StartsWith("numeric", StringComparison.Ordinal) => "18.50",
            _ when type.Contains("int", StringComparison.Ordinal) => key.ToString(CultureInfo.InvariantCulture),
            _ => $"{column.Name} {key}",
        };
    }

    private string Quote(string value)
    {
        if (Dialect.Quote is not { } quote
            || value.AsSpan().IndexOfAny([quote, '\r', '\n', .. Dialect.FieldSeparator]) < 0)
        {
            return value;
        }

        return $"{quote}{value.Replace($"{quote}", $"{quote}{quote}", StringComparison.Ordinal)}{quote}";
    }
}
