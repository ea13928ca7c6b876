using System.Globalization;
using System.Text;
using EtlTools.Core.Configuration;

namespace EtlTools.Benchmarks;

/// <summary>A folder of files, and the pipeline that loads them.</summary>
internal sealed class SourceFolder
{
    private readonly string _incoming;
    private readonly string _extractType;
    private int _files;

    public SourceFolder(string folder, string extractType, string table, IReadOnlyList<ColumnConfig> columns, DialectConfig dialect)
    {
        _extractType = extractType;
        _incoming = Path.Combine(folder, "incoming");
        Directory.CreateDirectory(_incoming);
        PipelineFile = Path.Combine(folder, "pipeline.yaml");
        File.WriteAllText(PipelineFile, Describe(extractType, table, columns, dialect));
        Pipeline = PipelineReader.Read(PipelineFile);
    }

    public string PipelineFile { get; }
    public PipelineConfig Pipeline { get; }

    /// <summary>A path for the next file, whose extract is a minute younger than the one before.</summary>
    public string NextPath()
    {
        var extracted = new DateTime(2025, 1, 1).AddMinutes(++_files);
        return Path.Combine(_incoming, string.Create(CultureInfo.InvariantCulture, $"{_extractType}_{extracted:yyMMddHHmm}.csv"));
    }

    /// <summary>Gives the folder's files new names, so that they are new files.</summary>
    public void Renew()
    {
        foreach (var file in Files())
        {
            File.Move(file, NextPath());
        }
    }

    public IReadOnlyList<string> Files() => Directory.GetFiles(_incoming).Order(StringComparer.Ordinal).ToList();

    private static string Describe(string extractType, string table, IReadOnlyList<ColumnConfig> columns, DialectConfig dialect)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $$"""
            name: benchmark
            source:
              kind: folder
              path: ./incoming
            file_name:
              pattern: ^(?<extract_type>[A-Za-z]+)_(?<date_extracted>[0-9]{10})$
            time_zone: UTC
            dialect:
              encoding: {{dialect.Encoding}}
              field_separator: "{{dialect.FieldSeparator}}"
              header: {{(dialect.Header ? "true" : "false")}}

            """);
        if (dialect.RowSeparator is not null)
        {
            text.Append(CultureInfo.InvariantCulture, $"  row_separator: \"{dialect.RowSeparator}\"\n");
        }

        if (dialect.Quote is not null)
        {
            text.Append("  quote: '\"'\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"extract_types:\n  {extractType}:\n    table: {table}\n");
        text.Append(CultureInfo.InvariantCulture, $"    natural_key: [{columns[0].Name}]\n    columns:\n");
        foreach (var column in columns)
        {
            text.Append(CultureInfo.InvariantCulture, $"      - {column.Name}: {column.Type}{(column.NotNull ? " not null" : "")}\n");
        }

        return text.ToString();
    }
}
