using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Npgsql;

namespace EtlTools.Core.Database;

/// <summary>
/// What the server or the driver says, in the terms of <see cref="EtlException"/>. The server's own words can hold values
/// of the rows it was given (message, detail, hint, COPY context), so they are never passed on, nor is the exception
/// that carries them: only the SqlState and the names of schema, table, column and constraint, and the line.
/// </summary>
internal static class DatabaseErrors
{
    /// <summary>For <c>catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))</c>.</summary>
    public static bool IsDatabaseError(Exception error) => error is NpgsqlException || IsUseOfBrokenConnection(error);

    /// <summary>
    /// The driver throws its own exception once, when a connection breaks. Whoever uses the connection, its transaction or its
    /// reader after that is told of a wrong call instead.
    /// </summary>
    private static bool IsUseOfBrokenConnection(Exception error) =>
        error is InvalidOperationException { Source: "Npgsql" }
        && (error is ObjectDisposedException || BrokenConnectionWords.Any(words => Says(error, words)));

    private static readonly string[] BrokenConnectionWords = ["is not open", "is closed", "broken", "is no longer usable"];

    /// <summary>An error of a statement or COPY.</summary>
    /// <param name="error">From Npgsql.</param>
    /// <param name="target">What was being worked on: a table, a run id, a file; used where the server names no object.</param>
    public static EtlException Translate(Exception error, string target) =>
        FindServerError(error) is { } serverError ? FromServer(serverError, target) : FromDriver(error, target);

    /// <summary>An error of opening a connection.</summary>
    public static EtlException TranslateConnecting(Exception error, string database, string endpoint)
    {
        if (FindServerError(error) is { } serverError)
        {
            return FromServer(serverError, database);
        }

        if (IsFileError(error))
        {
            return new EtlException(
                EtlErrorKind.Configuration,
                "ConnectionFileUnreadable",
                "A file that the connection needs (password file, root certificate, client certificate or key) is not there or cannot be read.",
                Find<FileNotFoundException>(error)?.FileName ?? database,
                "Check Passfile, Root Certificate, SSL Certificate and SSL Key of the connection, and PGPASSFILE, PGSSLROOTCERT, PGSSLCERT, PGSSLKEY.",
                inner: error);
        }

        if (Find<AuthenticationException>(error) is not null)
        {
            return new EtlException(
                EtlErrorKind.Connection,
                "TlsCertificateRejected",
                $"The TLS certificate of {endpoint} could not be verified: it is not signed by a trusted authority, or it is made out to another host name.",
                database,
                "Give the authority's certificate (root_certificate, or PGSSLROOTCERT) and the host name that the certificate bears.",
                inner: error);
        }

        if (Says(error, "SSL connection requested"))
        {
            return new EtlException(
                EtlErrorKind.Connection,
                "TlsNotOffered",
                $"The server at {endpoint} offers no TLS, and a connection to a remote host must be encrypted and verified.",
                database,
                "Switch TLS on in the server (ssl = on); only on a network you trust, say SSL Mode=Disable (or ssl_mode: disable, PGSSLMODE=disable) yourself.",
                inner: error);
        }

        if (Says(error, "No password has been provided"))
        {
            return new EtlException(
                EtlErrorKind.Permission,
                "PasswordMissing",
                $"The server at {endpoint} asks for a password, and none was given.",
                database,
                "Use -Credential, a profile with password_env, PGPASSWORD, or a line in the password file (.pgpass).",
                inner: error);
        }

        if (Says(error, "pool has been exhausted"))
        {
            return new EtlException(
                EtlErrorKind.Busy,
                "ConnectionPoolExhausted",
                $"All connections that this session may open to {endpoint} are in use.",
                database,
                "Run fewer operations at once, or raise Maximum Pool Size in the connection string.",
                isTransient: true,
                inner: error);
        }

        return Find<SocketException>(error) switch
        {
            { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain } => new EtlException(
                EtlErrorKind.Connection,
                "DatabaseHostNotFound",
                $"The host of {endpoint} has no address: its name is unknown here.",
                database,
                "Check the spelling of the host name, and the name servers of this machine.",
                inner: error),
            { SocketErrorCode: SocketError.TimedOut } => Unanswered(error, database, endpoint),
            null when Find<TimeoutException>(error) is not null => Unanswered(error, database, endpoint),
            _ => new EtlException(
                EtlErrorKind.Connection,
                "DatabaseUnreachable",
                $"Nothing that speaks PostgreSQL answers at {endpoint}.",
                database,
                "Check that the server runs, that host and port are right, and that listen_addresses and the firewall let this machine in.",
                isTransient: true,
                inner: error),
        };
    }

    private static EtlException Unanswered(Exception error, string database, string endpoint) => new(
        EtlErrorKind.Connection,
        "ConnectionTimeout",
        $"No answer from {endpoint} in time.",
        database,
        "Check host, port and firewall; a slow network may need a longer Timeout (PGCONNECT_TIMEOUT).",
        isTransient: true,
        inner: error);

    private static EtlException FromDriver(Exception error, string target) =>
        Find<TimeoutException>(error) is not null
            ? new EtlException(
                EtlErrorKind.Resource,
                "StatementTimeout",
                "The database did not answer a statement within the connection's command timeout.",
                target,
                "Raise Command Timeout in the connection string (0 waits without end), or find out what the database is waiting for.",
                inner: error)
            : new EtlException(
                EtlErrorKind.Connection,
                "ConnectionLost",
                "The connection to the database was lost.",
                target,
                "What was not committed is undone. Check that the server is up, then run the command again.",
                isTransient: true,
                inner: error);

    private static EtlException FromServer(PostgresException error, string target)
    {
        var place = Describe(error);
        var named = NamedObject(error);
        var subject = named ?? QualifiedTable(error) ?? target;
        EtlException Make(EtlErrorKind kind, string id, string what, string next, bool transient = false) =>
            new(kind, id, $"{what} ({place}).", subject, next, transient);

        string Named(string otherwise) => named is null ? otherwise : $"{otherwise} {named}";

        switch (error.SqlState)
        {
            case PostgresErrorCodes.InvalidPassword:
                return Make(EtlErrorKind.Permission, "AuthenticationFailed", "The database refuses this user name and password",
                    "Check user and password; an old line in the password file (.pgpass) or PGPASSWORD may be in the way.");
            case PostgresErrorCodes.InvalidAuthorizationSpecification:
                return Make(EtlErrorKind.Permission, "LoginRefused", "The database does not let this user in from here",
                    "Check that the role exists and may log in, and that the server's pg_hba.conf has a line for this user, database, address and TLS mode.");
            case PostgresErrorCodes.InvalidCatalogName:
                return Make(EtlErrorKind.NotFound, "DatabaseNotFound", Named("There is no database"),
                    "Check the database name, or create it with createdb.");
            case PostgresErrorCodes.InsufficientPrivilege:
                return Make(EtlErrorKind.Permission, "PermissionDenied", Named("The database user may not use"),
                    "Ask the owner to GRANT what is missing to this user, or connect as a user that has it; Get-Help about_EtlTools_Grants lists what each command needs.");
            case PostgresErrorCodes.ReadOnlySqlTransaction:
                return Make(EtlErrorKind.Permission, "DatabaseReadOnly", "The database takes no changes: it is a standby, or read-only for this user",
                    "Connect to the primary server, or as a user without default_transaction_read_only.");
            case PostgresErrorCodes.UndefinedTable:
                return Make(EtlErrorKind.Schema, "TableMissing", Named("There is no table"),
                    "Run Initialize-EtlDatabase with the pipeline (-WhatIf shows what it would do).");
            case PostgresErrorCodes.UndefinedColumn:
                return Make(EtlErrorKind.Schema, "ColumnMissing", Named("There is no column"),
                    "Run Initialize-EtlDatabase with the pipeline (-WhatIf shows what it would do).");
            case PostgresErrorCodes.InvalidSchemaName:
                return Make(EtlErrorKind.Schema, "SchemaMissing", Named("There is no schema"),
                    "Run Initialize-EtlDatabase with the pipeline (-WhatIf shows what it would do).");
            case PostgresErrorCodes.UndefinedFunction or PostgresErrorCodes.UndefinedObject:
                return Make(EtlErrorKind.Schema, "ObjectMissing", Named("The database lacks a function or type"),
                    "Run Initialize-EtlDatabase; PostgreSQL 15 or later is needed.");
            case PostgresErrorCodes.DuplicateTable or PostgresErrorCodes.DuplicateColumn or PostgresErrorCodes.DuplicateObject
                or PostgresErrorCodes.DuplicateSchema:
                return Make(EtlErrorKind.Conflict, "ObjectExists", Named("There already is a"),
                    "Somebody may have created it at the same time; run the command again.");
            case PostgresErrorCodes.DiskFull:
                return Make(EtlErrorKind.Resource, "DiskFull", "The database server's disk is full",
                    "Free or add space on the server; what was not committed is undone, so the same command can then be run again.");
            case PostgresErrorCodes.OutOfMemory:
                return Make(EtlErrorKind.Resource, "ServerOutOfMemory", "The database server ran out of memory",
                    "Load fewer files at once, or give the server more memory.", transient: true);
            case PostgresErrorCodes.TooManyConnections:
                return Make(EtlErrorKind.Resource, "TooManyConnections", "The database has no connection left for this user",
                    "Try again later, load fewer files at once, or raise max_connections.", transient: true);
            case PostgresErrorCodes.LockNotAvailable:
                return Make(EtlErrorKind.Busy, "LockTimeout", "Somebody else holds a lock that is needed",
                    "Try again later; pg_locks and pg_stat_activity show who holds it.", transient: true);
            case PostgresErrorCodes.ObjectInUse:
                return Make(EtlErrorKind.Busy, "ObjectInUse", "Somebody else is using what was to be changed",
                    "Try again later.", transient: true);
            case PostgresErrorCodes.QueryCanceled:
                // Both causes share one state; the server's words are looked at here and not passed on.
                return error.MessageText.Contains("user request", StringComparison.Ordinal)
                    ? Make(EtlErrorKind.Resource, "StatementCancelled", "An administrator of the database cancelled the statement",
                        "Ask who did (pg_cancel_backend), then run the command again.")
                    : Make(EtlErrorKind.Resource, "StatementTimeout", "A statement ran longer than statement_timeout allows",
                        "Raise statement_timeout for this user, or find out what the statement waits for.");
            case PostgresErrorCodes.SerializationFailure:
                return Make(EtlErrorKind.Busy, "SerializationFailure", "Another transaction changed the same rows",
                    "Run the command again.", transient: true);
            case PostgresErrorCodes.DeadlockDetected:
                return Make(EtlErrorKind.Busy, "DeadlockDetected", "Two transactions waited for each other, and this one was ended",
                    "Run the command again.", transient: true);
            case PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown:
                return Make(EtlErrorKind.Connection, "ConnectionTerminated", "The server ended the connection",
                    "The server was restarted, or an administrator ended the session. What was not committed is undone; run the command again.",
                    transient: true);
            case "25P03": // idle_in_transaction_session_timeout
                return Make(EtlErrorKind.Connection, "ConnectionTerminated", "The server ended the connection, which had stood still in a transaction for too long",
                    "What was not committed is undone; run the command again.", transient: true);
            case PostgresErrorCodes.CannotConnectNow:
                return Make(EtlErrorKind.Connection, "ServerStarting", "The server is starting, stopping or recovering",
                    "Try again in a moment.", transient: true);
            case PostgresErrorCodes.UniqueViolation:
                return Make(EtlErrorKind.Conflict, "UniqueViolation", "A row with the same key is already there",
                    "Somebody may have written it at the same time; run the command again, and look at the named constraint if it stays.");
            case PostgresErrorCodes.NotNullViolation:
                return Make(EtlErrorKind.Data, "NotNullViolation", "A column that must not be empty would have been",
                    "Look at the named column; Get-RejectedRow shows the rows that were turned away.");
            case PostgresErrorCodes.ForeignKeyViolation:
                return Make(EtlErrorKind.Conflict, "ForeignKeyViolation", "A row refers to another that is not there, or is still referred to",
                    "Load the table it refers to first, or look at the named constraint.");
            case PostgresErrorCodes.CheckViolation or PostgresErrorCodes.ExclusionViolation:
                return Make(EtlErrorKind.Data, "CheckViolation", "A row does not satisfy a constraint of its table",
                    "Look at the named constraint.");
            case PostgresErrorCodes.StringDataRightTruncation:
                return Make(EtlErrorKind.Data, "ValueTooLong", "A value is longer than its column allows",
                    "Widen the column, or correct the row at its source.");
            case PostgresErrorCodes.NumericValueOutOfRange:
                return Make(EtlErrorKind.Data, "NumberOutOfRange", "A number does not fit into its column's type",
                    "Widen the column's type, or correct the row at its source.");
            case PostgresErrorCodes.InvalidDatetimeFormat or PostgresErrorCodes.DatetimeFieldOverflow:
                return Make(EtlErrorKind.Data, "DateInvalid", "A value is not a date that its column can take",
                    "Correct the row at its source, or give the column of a file's pipeline a date_format rule.");
            case PostgresErrorCodes.CharacterNotInRepertoire or PostgresErrorCodes.UntranslatableCharacter:
                return Make(EtlErrorKind.Data, "CharacterInvalid", "A text holds characters that the database's encoding cannot take",
                    "Check the encoding of the pipeline's dialect; the database should be in UTF8.");
        }

        return error.SqlState[..2] switch
        {
            "08" => Make(EtlErrorKind.Connection, "ConnectionLost", "The connection to the database failed",
                "Check that the server is up, then run the command again.", transient: true),
            "22" => Make(EtlErrorKind.Data, "ValueInvalid", "A value does not fit its column's type",
                "Correct the row at its source, or the column's type."),
            "23" => Make(EtlErrorKind.Data, "ConstraintViolation", "A row does not satisfy a constraint of its table",
                "Look at the named constraint."),
            "28" => Make(EtlErrorKind.Permission, "LoginRefused", "The database does not let this user in",
                "Check the role and the server's pg_hba.conf."),
            "40" => Make(EtlErrorKind.Busy, "TransactionRolledBack", "The database rolled the transaction back",
                "Run the command again.", transient: true),
            "42" => Make(EtlErrorKind.Schema, "SchemaMismatch", "The tables are not as the statement expects them",
                "Run Initialize-EtlDatabase; if it stays, report the SqlState."),
            "53" or "54" => Make(EtlErrorKind.Resource, "ServerResource", "The database server reached one of its limits",
                "Look the SqlState up in the PostgreSQL manual and at the server's log."),
            "58" => Make(EtlErrorKind.Resource, "ServerStorage", "The database server could not read or write its files",
                "Look at the server's log and its disks before anything else."),
            _ => Make(EtlErrorKind.Resource, "DatabaseError", "The database reported an error",
                "Look the SqlState up in the PostgreSQL manual, and at the server's log at this time."),
        };
    }

    private static string Describe(PostgresException error)
    {
        var parts = new List<string> { $"SqlState {error.SqlState}" };
        if (QualifiedTable(error) is { } table)
        {
            parts.Add($"table {table}");
        }

        var copy = CopyContext.Match(error.Where ?? "");
        var column = error.ColumnName ?? (copy.Groups["column"].Success ? copy.Groups["column"].Value : null);
        if (column is not null)
        {
            parts.Add($"column {column}");
        }

        if (error.ConstraintName is { } constraint)
        {
            parts.Add($"constraint {constraint}");
        }

        if (copy.Success && long.TryParse(copy.Groups["line"].Value, CultureInfo.InvariantCulture, out var line))
        {
            parts.Add($"line {line}");
        }

        return string.Join(", ", parts);
    }

    private static string? QualifiedTable(PostgresException error) => (error.SchemaName, error.TableName) switch
    {
        (_, null) => null,
        (null, { } table) => table,
        var (schema, table) => $"{schema}.{table}",
    };

    /// <summary>
    /// The states of a missing or forbidden object say its name nowhere but in their message, which holds nothing else:
    /// the name is taken out of it, whatever language the server speaks, and only if it looks like a name.
    /// </summary>
    private static string? NamedObject(PostgresException error)
    {
        var pattern = error.SqlState switch
        {
            PostgresErrorCodes.InsufficientPrivilege => UnquotedName,
            PostgresErrorCodes.UndefinedColumn => ColumnName,
            PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName
                or PostgresErrorCodes.InvalidCatalogName or PostgresErrorCodes.DuplicateTable
                or PostgresErrorCodes.DuplicateColumn or PostgresErrorCodes.DuplicateObject
                or PostgresErrorCodes.DuplicateSchema => QuotedName,
            _ => null,
        };

        // An error inside a function of others, e.g. a trigger, may name an object that it made up from data.
        var match = string.IsNullOrEmpty(error.Where) ? pattern?.Match(error.MessageText) : null;
        return match is { Success: true } ? match.Groups["name"].Value : null;
    }

    private static readonly Regex QuotedName = new(@"[""«»„“](?<name>[\w.$-]{1,127})[""«»“”]", RegexOptions.CultureInvariant);

    // column "attempt" of relation ..., but: column f.attempt does not exist
    private static readonly Regex ColumnName =
        new(@"[""«»„“](?<name>[\w.$-]{1,127})[""«»“”]|^column (?<name>[\w.$]{1,127}) does", RegexOptions.CultureInvariant);

    // permission denied for table patients: the last word is the name.
    private static readonly Regex UnquotedName =
        new(@"permission denied for (?:[a-z ]+ )?""?(?<name>[\w.$-]{1,127})""?$", RegexOptions.CultureInvariant);

    // COPY patients, line 3, column birth_date: "the value stands here"
    private static readonly Regex CopyContext =
        new(@"^COPY [\w.$-]+, line (?<line>\d+)(?:, column (?<column>[\w$-]{1,63}))?", RegexOptions.CultureInvariant);

    private static PostgresException? FindServerError(Exception error) => Find<PostgresException>(error);

    private static bool IsFileError(Exception error) =>
        Find<FileNotFoundException>(error) is not null
        || Find<DirectoryNotFoundException>(error) is not null
        || Find<UnauthorizedAccessException>(error) is not null
        || error is CryptographicException;

    // For what the driver itself finds wrong it has no code, only words, which are English everywhere.
    private static bool Says(Exception error, string words) =>
        error.Message.Contains(words, StringComparison.Ordinal)
        || (error.InnerException is { } inner && Says(inner, words));

    private static T? Find<T>(Exception error)
        where T : Exception
    {
        for (var current = error; current is not null; current = current.InnerException)
        {
            if (current is T found)
            {
                return found;
            }
        }

        return null;
    }
}
