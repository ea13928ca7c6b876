using System.Net.Sockets;
using System.Reflection;
using EtlTools.Core;
using EtlTools.Core.Database;
using EtlTools.Tests.Infrastructure;
using Npgsql;

namespace EtlTools.Tests.Database;

public sealed class DatabaseErrorsTests
{
    private const string Planted = "Wiremu Planted-Patient";

    public static TheoryData<string> AllStates()
    {
        var data = new TheoryData<string>();
        foreach (var field in typeof(PostgresErrorCodes).GetFields(BindingFlags.Public | BindingFlags.Static))
        {
            data.Add((string)field.GetValue(null)!);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(AllStates))]
    public void No_state_lets_the_servers_words_through(string state)
    {
        var error = DatabaseErrors.Translate(
            new NpgsqlException("outer", Server(state, $"invalid value: \"{Planted}\"", where: $"COPY patients, line 7, column family_name: \"{Planted}\"")),
            "raw.patients");

        // The whole text, with inner exceptions, as a log would write it.
        Assert.DoesNotContain("Planted", error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("Planted", error.Target + error.NextStep, StringComparison.Ordinal);
        Assert.Contains(state, error.Message, StringComparison.Ordinal);
        Assert.NotEmpty(error.NextStep);
        Assert.NotEmpty(error.ErrorId);
    }

    [PostgresFact]
    public async Task Whatever_is_done_on_a_connection_that_broke_is_a_lost_connection()
    {
        await using var database = await PostgresDatabase.CreateAsync();
        var connection = await database.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await database.ExecuteAsync("SELECT pg_terminate_backend(@pid, 5000)", new { pid = connection.ProcessID });
        List<Func<Task>> uses =
        [
            () => ExecuteAsync(connection),
            () => ExecuteAsync(connection),
            () => transaction.CommitAsync(),
            () => connection.BeginTransactionAsync().AsTask(),
            () => connection.BeginBinaryImportAsync("COPY pg_class FROM STDIN (FORMAT BINARY)"),
            async () =>
            {
                await connection.DisposeAsync();
                await ExecuteAsync(connection);
            },
        ];
        foreach (var use in uses)
        {
            var error = await Assert.ThrowsAnyAsync<Exception>(use);
            Assert.True(DatabaseErrors.IsDatabaseError(error), $"{error.GetType()}: {error.Message}");
            var told = DatabaseErrors.Translate(error, "raw.patients");
            Assert.Equal(EtlErrorKind.Connection, told.Kind);
            Assert.True(told.IsTransient);
        }

        Assert.False(DatabaseErrors.IsDatabaseError(new InvalidOperationException("The connection is not open")));
        Assert.False(DatabaseErrors.IsDatabaseError(new ObjectDisposedException("one of ours")));

        static async Task ExecuteAsync(NpgsqlConnection connection)
        {
            await using var command = new NpgsqlCommand("SELECT 1", connection);
            await command.ExecuteNonQueryAsync();
        }
    }

    [Fact]
    public void A_copy_error_names_table_column_and_line()
    {
        var error = DatabaseErrors.Translate(
            Server("22P02", "invalid input syntax", where: "COPY patients, line 7, column birth_date: \"x\""), "raw.patients");

        Assert.Equal(EtlErrorKind.Data, error.Kind);
        Assert.Contains("column birth_date", error.Message, StringComparison.Ordinal);
        Assert.Contains("line 7", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_constraint_error_names_table_and_constraint()
    {
        var error = DatabaseErrors.Translate(
            Server("23505", "duplicate key", schema: "etl", table: "load_run_files", constraint: "load_run_files_active_idx"), "a file");

        Assert.Equal("UniqueViolation", error.ErrorId);
        Assert.Equal("etl.load_run_files", error.Target);
        Assert.Contains("constraint load_run_files_active_idx", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("42501", "permission denied for table patients", "PermissionDenied", "patients")]
    [InlineData("42501", "permission denied for schema raw", "PermissionDenied", "raw")]
    [InlineData("42501", "permission denied for materialized view recent", "PermissionDenied", "recent")]
    [InlineData("42P01", "relation \"raw.patients\" does not exist", "TableMissing", "raw.patients")]
    [InlineData("42P01", "Relation »raw.patients« existiert nicht", "TableMissing", "raw.patients")]
    [InlineData("42703", "column \"attempt\" of relation \"load_run_files\" does not exist", "ColumnMissing", "attempt")]
    [InlineData("42703", "column f.attempt does not exist", "ColumnMissing", "f.attempt")]
    [InlineData("3F000", "schema \"stg\" does not exist", "SchemaMissing", "stg")]
    [InlineData("3D000", "database \"clinic\" does not exist", "DatabaseNotFound", "clinic")]
    public void A_missing_or_forbidden_object_is_named(string state, string words, string id, string name)
    {
        var error = DatabaseErrors.Translate(Server(state, words), "what was done");

        Assert.Equal(id, error.ErrorId);
        Assert.Equal(name, error.Target);
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_object_that_the_message_does_not_name_is_the_callers()
    {
        var error = DatabaseErrors.Translate(Server("42501", "must be owner of something else"), "raw.patients");
        Assert.Equal("raw.patients", error.Target);
    }

    [Theory]
    [InlineData("53100", "DiskFull", EtlErrorKind.Resource, false)]
    [InlineData("53300", "TooManyConnections", EtlErrorKind.Resource, true)]
    [InlineData("55P03", "LockTimeout", EtlErrorKind.Busy, true)]
    [InlineData("57014", "StatementTimeout", EtlErrorKind.Resource, false)]
    [InlineData("40001", "SerializationFailure", EtlErrorKind.Busy, true)]
    [InlineData("40P01", "DeadlockDetected", EtlErrorKind.Busy, true)]
    [InlineData("57P01", "ConnectionTerminated", EtlErrorKind.Connection, true)]
    [InlineData("57P02", "ConnectionTerminated", EtlErrorKind.Connection, true)]
    [InlineData("25P03", "ConnectionTerminated", EtlErrorKind.Connection, true)]
    [InlineData("57P03", "ServerStarting", EtlErrorKind.Connection, true)]
    [InlineData("08006", "ConnectionLost", EtlErrorKind.Connection, true)]
    [InlineData("28P01", "AuthenticationFailed", EtlErrorKind.Permission, false)]
    [InlineData("25006", "DatabaseReadOnly", EtlErrorKind.Permission, false)]
    [InlineData("22001", "ValueTooLong", EtlErrorKind.Data, false)]
    [InlineData("23502", "NotNullViolation", EtlErrorKind.Data, false)]
    public void Kind_id_and_whether_to_try_again(string state, string id, EtlErrorKind kind, bool transient)
    {
        var error = DatabaseErrors.Translate(Server(state, "words"), "target");

        Assert.Equal((id, kind, transient), (error.ErrorId, error.Kind, error.IsTransient));
    }

    [Fact]
    public void A_cut_connection_is_transient()
    {
        var error = DatabaseErrors.Translate(new NpgsqlException("x", new IOException("y", new SocketException())), "target");
        Assert.Equal("ConnectionLost", error.ErrorId);
        Assert.True(error.IsTransient);
    }

    private static PostgresException Server(
        string state, string words, string? where = null, string? schema = null, string? table = null, string? constraint = null) =>
        new(words, "ERROR", "ERROR", state, detail: Planted, hint: Planted, where: where, schemaName: schema, tableName: table,
            constraintName: constraint);
}
