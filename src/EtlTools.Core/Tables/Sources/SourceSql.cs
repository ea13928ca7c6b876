using System.Globalization;
using System.Text;

namespace EtlTools.Core.Tables.Sources;

/// <summary>The SQL that a source is asked in: MySQL's and MariaDB's.</summary>
internal static class SourceSql
{
    /// <summary>
    /// What expressions give for NULL, as an SQL literal: NUL and N. No text that PostgreSQL can hold begins so, and the client
    /// writes it as <see cref="CopyNull"/>, while it writes NULL itself like the text 'NULL'.
    /// </summary>
    public const string NullMark = "'\\0N'";

    /// <summary>The same, as the client writes it and COPY reads it.</summary>
    public const string CopyNull = "\\0N";

    /// <summary>Dates as they are, whatever the server's modes; a slow reader is waited for.</summary>
    public const string Session = """
        SET SESSION sql_mode = '', time_zone = '+00:00', net_write_timeout = 3600, net_read_timeout = 3600, wait_timeout = 28800;
        SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;
        """;

    public const string Info = "SELECT VERSION(), @@version_comment, @@global.time_zone, @@system_time_zone";

    public const string BeginSnapshot = "COMMIT; START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";

    /// <summary>The source's own clock, in the zone of the session.</summary>
    public const string Now = "SELECT UTC_TIMESTAMP(6)";

    public const string Warnings = "SHOW WARNINGS LIMIT 64";

    public static string Quote(string name) => $"`{name.Replace("`", "``", StringComparison.Ordinal)}`";

    /// <summary>
    /// The column as a text. One without a character set (uuid, inet6) has to be made one: beside it a text such as
    /// <see cref="NullMark"/> becomes a value of its type, or nothing.
    /// </summary>
    public static string Text(SourceColumn column) => column.CharacterSet is null ? $"CAST({Quote(column.Name)} AS CHAR)" : Quote(column.Name);

    public static string List(IEnumerable<string> names) => string.Join(", ", names.Select(Quote));

    public static string Literal(string text)
    {
        var literal = new StringBuilder(text.Length + 2).Append('\'');
        foreach (var character in text)
        {
            literal.Append(character switch
            {
                '\'' => "\\'",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '\0' => "\\0",
                '\x1a' => "\\Z",
                _ => character.ToString(),
            });
        }

        return literal.Append('\'').ToString();
    }

    /// <summary>The zone's name, where the server knows it: it converts nothing to and from others.</summary>
    public static string KnowsTimeZone(string zone) =>
        $"SELECT CONVERT_TZ('2020-06-01 12:00:00', '+00:00', {Literal(zone)}) IS NOT NULL";

    /// <summary>What tells that a statement's rows are all there, and how many they were.</summary>
    public static string End(string mark) => $"SELECT '{mark}', FOUND_ROWS(), @@warning_count";

    public static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
