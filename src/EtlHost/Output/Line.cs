using System.Globalization;
using System.Text;

namespace EtlTools.Host.Output;

/// <summary>
/// One line of name=value pairs on the standard output, the same in every culture; a pair without a value is left out. A
/// value that holds a space or a quote stands in double quotes, its own quotes doubled.
/// </summary>
internal static class Line
{
    public static void Write(params ReadOnlySpan<(string Name, object? Value)> pairs)
    {
        var line = new StringBuilder();
        foreach (var (name, value) in pairs)
        {
            if (value is not null)
            {
                line.Append(line.Length > 0 ? " " : "").Append(name).Append('=').Append(Quote(Text(value)));
            }
        }

        Console.Out.WriteLine(line);
    }

    private static string Text(object value) => value switch
    {
        DateTimeOffset instant => instant.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
        DateTime wallClock => wallClock.ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture),
        TimeSpan span => span.TotalSeconds.ToString("0.000", CultureInfo.InvariantCulture),
        double share => share.ToString("0.######", CultureInfo.InvariantCulture),
        bool truth => truth ? "true" : "false",
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    private static string Quote(string text) =>
        text.AsSpan().ContainsAny(' ', '"', '\n')
            ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal).ReplaceLineEndings(" ")}\""
            : text;
}
