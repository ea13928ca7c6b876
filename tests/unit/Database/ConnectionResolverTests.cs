using EtlTools.Core;
using EtlTools.Core.Database;
using Npgsql;

namespace EtlTools.Tests.Database;

public sealed class ConnectionResolverTests : IDisposable
{
    private readonly Dictionary<string, string> _environment = new(StringComparer.Ordinal);
    private readonly string _folder = Directory.CreateTempSubdirectory("etltools-connect-").FullName;

    public ConnectionResolverTests()
    {
        _environment["HOME"] = _folder;
        _environment["APPDATA"] = _folder;
        _environment["ETL_CONFIG"] = Path.Combine(_folder, "etl.yaml");
        File.WriteAllText(_environment["ETL_CONFIG"], "profiles: {}\n");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Nothing_said_means_what_psql_means()
    {
        var result = Resolve(new ConnectionRequest());

        Assert.Equal(("localhost", 5432), (result.Host, result.Port));
        Assert.Equal(Environment.UserName, result.Username);
        Assert.Equal(Environment.UserName, result.Database);
        Assert.Equal("EtlTools", result.ApplicationName);
        Assert.Equal(15, result.Timeout);
        Assert.Equal(0, result.CommandTimeout);
        Assert.Equal(32, result.MaxPoolSize);
    }

    [Fact]
    public void The_environment_is_read_as_libpq_reads_it()
    {
        Say(("PGHOST", "db.example"), ("PGPORT", "6000"), ("PGDATABASE", "clinic"), ("PGUSER", "etl"), ("PGPASSWORD", "p"),
            ("PGSSLMODE", "verify-ca"), ("PGSSLROOTCERT", _environment["ETL_CONFIG"]), ("PGAPPNAME", "nightly"), ("PGCONNECT_TIMEOUT", "3"),
            ("PGPASSFILE", "/etc/pgpass"));

        var result = Resolve(new ConnectionRequest());

        Assert.Equal(("db.example", 6000, "clinic", "etl", "p"), (result.Host, result.Port, result.Database, result.Username, result.Password));
        Assert.Equal((SslMode.VerifyCA, _environment["ETL_CONFIG"], "nightly", 3, "/etc/pgpass"),
            (result.SslMode, result.RootCertificate, result.ApplicationName, result.Timeout, result.Passfile));
    }

    [Fact]
    public void The_nearer_word_wins()
    {
        Say(("PGHOST", "far.example"), ("PGUSER", "far"), ("PGDATABASE", "far"), ("PGPASSWORD", "far"));

        var result = Resolve(new ConnectionRequest
        {
            ConnectionString = "Server=near.example;User Id=near;Password=near", UserName = "nearest", Password = "nearest",
        });

        Assert.Equal(("near.example", "nearest", "nearest", "far"), (result.Host, result.Username, result.Password, result.Database));
    }

    [Fact]
    public void A_service_comes_before_the_variables()
    {
        var file = Path.Combine(_folder, "services");
        File.WriteAllText(file, "# ours\n[other]\nhost=other.example\n\n[clinic]\nhost = clinic.example\nport=6001\nsslmode=require\nkeepalives=1\n[last]\nport=1\n");
        Say(("PGSERVICE", "clinic"), ("PGSERVICEFILE", file), ("PGHOST", "far.example"), ("PGUSER", "etl"));

        var result = Resolve(new ConnectionRequest());

        Assert.Equal(("clinic.example", 6001, SslMode.Require, "etl"), (result.Host, result.Port, result.SslMode, result.Username));
    }

    [Fact]
    public void The_users_own_service_file_is_found()
    {
        var file = OperatingSystem.IsWindows()
            ? Path.Combine(Directory.CreateDirectory(Path.Combine(_folder, "postgresql")).FullName, ".pg_service.conf")
            : Path.Combine(_folder, ".pg_service.conf");
        File.WriteAllText(file, "[clinic]\nhost=clinic.example\n");

        Assert.Equal("clinic.example", Resolve(new ConnectionRequest { ConnectionString = "service=clinic" }).Host);
        Assert.Equal("clinic.example", Resolve(new ConnectionRequest { ConnectionString = "postgresql:///?service=clinic" }).Host);
    }

    [Fact]
    public void An_unknown_service_is_an_error()
    {
        Say(("PGSERVICE", "nowhere"));
        Assert.Equal("ServiceNotFound", Refused(new ConnectionRequest()).ErrorId);
    }

    [Theory]
    [InlineData("postgresql://etl:p%40ss@db.example:6000/clinic?sslmode=require&application_name=x", "db.example", 6000, "clinic", "etl", "p@ss")]
    [InlineData("postgres://etl:p@ss@db.example/clinic", "db.example", 5432, "clinic", "etl", "p@ss")]
    [InlineData("postgresql://etl@[::1]:6000/clinic", "::1", 6000, "clinic", "etl", null)]
    [InlineData("postgresql://%2Fvar%2Frun%2Fpostgresql/clinic?user=etl", "/var/run/postgresql", 5432, "clinic", "etl", null)]
    [InlineData("postgresql:///clinic?host=db.example&port=6000&user=etl", "db.example", 6000, "clinic", "etl", null)]
    public void A_uri_is_read(string uri, string host, int port, string database, string user, string? password)
    {
        var result = Resolve(new ConnectionRequest { ConnectionString = uri });
        Assert.Equal((host, port, database, user, password), (result.Host, result.Port, result.Database, result.Username, result.Password));
    }

    [Theory]
    [InlineData("Host=db.example", SslMode.VerifyFull)]
    [InlineData("Host=10.0.0.7", SslMode.VerifyFull)]
    [InlineData("Host=localhost.example", SslMode.VerifyFull)]
    [InlineData("Host=localhost,db.example", SslMode.VerifyFull)]
    [InlineData("Host=db.example;Ssl Mode=Require", SslMode.Require)]
    [InlineData("Host=db.example;sslmode=disable", SslMode.Disable)]
    [InlineData("postgresql://db.example/x?sslmode=prefer", SslMode.Prefer)]
    [InlineData("Host=localhost", SslMode.Prefer)]
    [InlineData("Host=localhost:6000", SslMode.Prefer)]
    [InlineData("Host=127.0.0.1", SslMode.Prefer)]
    [InlineData("Host=::1", SslMode.Prefer)]
    [InlineData("Host=/var/run/postgresql", SslMode.Prefer)]
    public void A_remote_host_is_verified_unless_the_admin_says_otherwise(string connectionString, SslMode expected) =>
        Assert.Equal(expected, Resolve(new ConnectionRequest { ConnectionString = connectionString }).SslMode);

    [Theory]
    [InlineData("Host=a;Passwrd=hidden", "ConnectionStringInvalid", "Passwrd")]
    [InlineData("Host=a;Port=hidden", "ConnectionStringInvalid", "Port")]
    [InlineData("Host=a;SSL Mode=hidden", "ConnectionStringInvalid", "SSL Mode")]
    [InlineData("hidden", "ConnectionStringInvalid", "Keyword=Value")]
    [InlineData("host=a port=5432 password=hidden", "ConnectionStringInvalid", "semicolon")]
    [InlineData("postgresql://a:hid%zzden@b/c", "ConnectionStringInvalid", "hexadecimal")]
    [InlineData("postgresql://a:hidden@b/c?sslmod=hidden", "ConnectionStringInvalid", "sslmode")]
    [InlineData("postgresql://a:hidden@b:99999/c", "ConnectionSettingInvalid", "65535")]
    [InlineData("postgresql://a:hidden@b/c?sslmode=hidden", "ConnectionSettingInvalid", "verify-full")]
    public void A_mistake_is_named_without_repeating_what_may_be_a_password(string connectionString, string id, string words)
    {
        var error = Refused(new ConnectionRequest { ConnectionString = connectionString });

        Assert.Equal(id, error.ErrorId);
        Assert.Contains(words, error.Message, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("hid", error.ToString() + error.Target + error.NextStep, StringComparison.Ordinal);
    }

    [Fact]
    public void A_root_certificate_that_is_not_there_is_named()
    {
        var error = Refused(new ConnectionRequest { ConnectionString = "Host=db.example;Root Certificate=/no/such/file" });
        Assert.Equal(("ConnectionFileUnreadable", "/no/such/file"), (error.ErrorId, error.Target));
    }

    [Fact]
    public void A_wrong_variable_is_named()
    {
        Say(("PGPORT", "many"));
        var error = Refused(new ConnectionRequest());
        Assert.Equal(("ConnectionSettingInvalid", "PGPORT"), (error.ErrorId, error.Target));
    }

    [Fact]
    public async Task The_description_holds_no_password()
    {
        await using var database = EtlDatabase.Connect(
            new ConnectionRequest { ConnectionString = "postgresql://etl:hidden@db.example:6000/clinic" }, Variable);
        Assert.Equal("etl@db.example:6000/clinic", database.Description);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("-c statement_timeout=5000", false)]
    public void What_the_admins_options_set_is_left_alone(string options, bool expected) =>
        Assert.Equal(expected, ConnectionSql.SessionSettings(options).Contains("statement_timeout", StringComparison.Ordinal));

    private void Say(params (string Name, string Value)[] variables)
    {
        foreach (var (name, value) in variables)
        {
            _environment[name] = value;
        }
    }

    private string? Variable(string name) => _environment.GetValueOrDefault(name);

    private NpgsqlConnectionStringBuilder Resolve(ConnectionRequest request) => ConnectionResolver.Resolve(request, Variable);

    private EtlException Refused(ConnectionRequest request) => Assert.Throws<EtlException>(() => Resolve(request));
}
