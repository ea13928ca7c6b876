using System.Globalization;
using System.Text.RegularExpressions;
using EtlTools.Core.Tables.Configuration;

namespace EtlTools.Core.Tables.Sources;

/// <summary>
/// What the client says, in the terms of <see cref="EtlException"/>. Its words, and the statement that it repeats, can hold
/// values: only the number and the SqlState of an error are passed on.
/// </summary>
internal static class SourceErrors
{
    private static readonly Regex Error = new(@"ERROR (?<number>\d{4}) \((?<state>\w{5})\)", RegexOptions.CultureInvariant);

    /// <summary>A table of the configuration that the source does not show: a catalogue hides what a user may not read.</summary>
    public static EtlException TableMissing(SourceConnection source, TableConfig table) => new(
        EtlErrorKind.NotFound,
        "SourceTableMissing",
        $"{source} has no table {table.Name}{SettingLines.Say(SettingLines.Find(table, null, null))}, or this user may not read it. Its copy is left as it is.",
        table.Name,
        "GRANT SELECT on it at the source, correct its name, or take it out of the configuration.");

    /// <param name="said">The client's error output.</param>
    /// <param name="exitCode">Null where it has not ended.</param>
    /// <param name="source">What was asked.</param>
    /// <param name="target">What the error is about: a table, or the source.</param>
    public static EtlException Translate(string said, int? exitCode, SourceConnection source, string target)
    {
        var match = Error.Match(said);
        if (!match.Success)
        {
            return said.Contains("unknown option", StringComparison.Ordinal) || said.Contains("unknown variable", StringComparison.Ordinal)
                ? Make(EtlErrorKind.Configuration, "SourceClientOption", "The client program, or the option file, has an option that it does not know",
                    "Check the option file of the source, and the version of the client.")
                : Ended(exitCode, target);
        }

        var number = int.Parse(match.Groups["number"].Value, CultureInfo.InvariantCulture);
        return number switch
        {
            1045 or 1698 or 3118 or 1862 => Make(EtlErrorKind.Permission, "SourceAuthenticationFailed", $"{source} refuses this user name and password",
                "Check user name and password of the source, from where the user may log in, and whether the server asks this user for TLS."),
            1044 or 1142 or 1143 or 1227 or 1370 => Make(EtlErrorKind.Permission, "SourcePermissionDenied", $"The user may not read {target} of {source}",
                "GRANT SELECT on the source's tables to this user."),
            1049 => Make(EtlErrorKind.NotFound, "SourceDatabaseNotFound", $"{source} has no such database", "Check the name of the database."),
            1146 => Make(EtlErrorKind.NotFound, "SourceTableMissing", $"{source} has no table {target}", "Correct its name, or take it out of the configuration."),
            1054 => Make(EtlErrorKind.Schema, "SourceColumnMissing", $"A column that is asked for is not in table {target} of {source}",
                "Analyse the source again with New-TableConfig, or correct the table configuration."),
            1064 or 1193 => Make(EtlErrorKind.Source, "SourceStatementRefused", $"{source} does not understand a statement", "It may be older than MySQL 5.6 or MariaDB 10.2; report the number of the error."),
            2002 or 2003 or 2004 or 2005 => Make(EtlErrorKind.Connection, "SourceUnreachable", $"{source} does not answer",
                "Check host and port, the network, and that the server is up.", transient: true),
            2026 or 3159 => Make(EtlErrorKind.Connection, "SourceTlsFailed", $"No trusted connection to {source} could be made",
                "Give the certificate of the server's issuer as ca_file of the source. Weakening tls to encrypt or off is for networks that you trust."),
            2013 when said.Contains("initial communication packet", StringComparison.Ordinal) => Make(EtlErrorKind.Connection, "SourceUnreachable",
                $"What answers at {source} does not speak as MySQL or MariaDB do", "Check host and port."),
            2006 or 2013 or 2055 or 1053 or 1152 or 1158 or 1159 or 1160 or 1161 or 1184 or 1927 => Make(EtlErrorKind.Connection, "SourceConnectionLost",
                $"The connection to {source} was lost while {target} was read", "Nothing that had been read is taken. Run the command again.", transient: true),
            1040 or 1203 or 1226 => Make(EtlErrorKind.Resource, "SourceTooManyConnections", $"{source} has no connection left for this user",
                "Try again later, or sync fewer tables at once.", transient: true),
            1205 or 1213 or 1412 => Make(EtlErrorKind.Busy, "SourceBusy", $"Somebody else is changing {target} at {source}", "Run the command again.", transient: true),
            1317 or 1969 or 3024 => Make(EtlErrorKind.Resource, "SourceStatementEnded", $"{source} ended the reading of {target}: somebody did, or a time limit of the server",
                "Run the command again, or raise the limit for this user."),
            1030 or 126 or 127 or 144 or 145 or 1034 or 1194 or 1195 => Make(EtlErrorKind.Source, "SourceTableCrashed", $"Table {target} of {source} is damaged",
                "Let the administrator of the source CHECK and REPAIR the table."),
            2020 or 1153 => Make(EtlErrorKind.Resource, "SourcePacketTooLarge", $"A value of {target} is larger than {source} or its client can send",
                "Raise max_allowed_packet of the source."),
            _ => Make(EtlErrorKind.Source, "SourceError", $"{source} reported an error about {target}", "Look the number up in the manual of MySQL or MariaDB."),
        };

        EtlException Make(EtlErrorKind kind, string id, string what, string next, bool transient = false)
        {
            var detail = match.Success ? $" (error {match.Groups["number"].Value}, SqlState {match.Groups["state"].Value})" : "";
            return new EtlException(kind, id, $"{what}{detail}.", target, next, transient);
        }
    }

    public static EtlException Ended(int? exitCode, string target) => new(
        EtlErrorKind.Source,
        "SourceClientEnded",
        exitCode is { } code
            ? string.Create(CultureInfo.InvariantCulture, $"The client program ended ({code}) before all of {target} had come.")
            : $"The client program stopped before all of {target} had come.",
        target,
        "Nothing that had been read is taken. Run the command again.",
        isTransient: true);

    public static EtlException Incomplete(string target, long read, long sent) => new(
        EtlErrorKind.Source,
        "SourceStreamIncomplete",
        string.Create(CultureInfo.InvariantCulture, $"The source sent {sent} rows of {target}, and {read} arrived."),
        target,
        "Nothing that had been read is taken. Run the command again, and report it where it stays.");
}
