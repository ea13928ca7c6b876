using EtlTools.Core;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Core.Health;
using Npgsql;

namespace EtlTools.Tests.Configuration;

public sealed class EtlProfilesTests : IDisposable
{
    private const string Valid =
        """
        default: prod
        profiles:
          prod:
            host: db.example
            port: 6000
            database: clinic
            username: etl
            ssl_mode: verify-ca
            root_certificate: ca.crt
            password_env: CLINIC_PASSWORD
            pipeline: pipelines/clinic.yaml
          test:
            connection: Host=localhost;Database=test;Username=tester
            pipeline: indici
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("etltools-profiles-").FullName;
    private readonly Dictionary<string, string> _environment = new(StringComparer.Ordinal);
    private readonly string _file;

    public EtlProfilesTests()
    {
        _file = Path.Combine(_folder, "etl.yaml");
        _environment["HOME"] = _environment["APPDATA"] = _folder;
        _environment["CLINIC_PASSWORD"] = "hidden";
        File.WriteAllText(_file, Valid);
        File.WriteAllText(Path.Combine(_folder, "ca.crt"), "");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Names_and_pipelines_are_listed()
    {
        var profiles = EtlProfiles.Load(_file);

        Assert.Equal((_file, "prod"), (profiles.Path, profiles.DefaultName));
        Assert.Equal(["prod", "test"], profiles.Names);
        Assert.Equal("indici", profiles.Get("TEST").Pipeline);
        Assert.Equal(Path.Combine(_folder, "pipelines", "clinic.yaml"), profiles.Get().Pipeline);
    }

    [Fact]
    public void Limits_of_processing_health_stand_over_the_defaults()
    {
        File.WriteAllText(_file, Valid + """

            health:
              data_loss_critical: 0.25
              failure_warning: 2%
              min_success_rate: 95 %
              stuck_after: 30m
              backlog_critical: 2d
              slow_factor: 1.5
              slow_after: 10m
            """);

        Assert.Equal(
            new HealthThresholds
            {
                DataLossCritical = 0.25,
                FailureWarning = 0.02,
                MinSuccessRate = 0.95,
                StuckAfter = TimeSpan.FromMinutes(30),
                BacklogCritical = TimeSpan.FromDays(2),
                SlowFactor = 1.5,
                SlowAfter = TimeSpan.FromMinutes(10),
            },
            EtlProfiles.Load(_file).Health);
    }

    [Fact]
    public void A_file_may_hold_limits_alone()
    {
        File.WriteAllText(_file, "health:\n  failure_critical: 50%\n");

        Assert.Empty(EtlProfiles.Load(_file).Names);
        Assert.Equal(0.5, EtlProfiles.Load(_file).Health.FailureCritical);
    }

    [Theory]
    [InlineData("data_loss_warning: 5", "data_loss_warning of health is '5'; expected a share such as 0.05 or 5%; did you mean '5%'?")]
    [InlineData("failure_critical: many", "failure_critical of health is 'many'; expected a share such as 0.05 or 5%")]
    [InlineData("stuck_after: soon", "stuck_after of health is 'soon'; expected a duration such as 24h, 7d or 90m")]
    [InlineData("stuck_after: 0", "stuck_after of health is '0'")]
    [InlineData("slow_factor: 0.5", "slow_factor of health is '0.5'; expected a number of 1 or more")]
    [InlineData("failure_waning: 5%", "health has no setting 'failure_waning'")]
    [InlineData("failure_warning: 30%", "failure_warning of health lies above failure_critical")]
    [InlineData("backlog_critical: 1h", "backlog_warning of health lies above backlog_critical")]
    public void A_limit_that_makes_no_sense_is_reported_with_its_line(string line, string message)
    {
        File.WriteAllText(_file, Valid + "\nhealth:\n  " + line + "\n");

        var error = Assert.Throws<EtlException>(() => EtlProfiles.Load(_file));

        Assert.Equal("ProfilesInvalid", error.ErrorId);
        Assert.Contains($"{_file}:{Valid.Split('\n').Length + 2}: {message}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_profile_becomes_a_connection()
    {
        var prod = Resolve("prod");
        Assert.Equal(("db.example", 6000, "clinic", "etl", "hidden"), (prod.Host, prod.Port, prod.Database, prod.Username, prod.Password));
        Assert.Equal((SslMode.VerifyCA, Path.Combine(_folder, "ca.crt")), (prod.SslMode, prod.RootCertificate));

        var test = Resolve("test");
        Assert.Equal(("localhost", "test", "tester"), (test.Host, test.Database, test.Username));
    }

    [Fact]
    public void Without_a_name_the_default_profile_is_meant()
    {
        _environment["ETL_CONFIG"] = _file;
        _environment["PGHOST"] = "far.example";
        Assert.Equal("db.example", ConnectionResolver.Resolve(new ConnectionRequest(), Variable).Host);
    }

    [Fact]
    public void A_connection_string_needs_no_profile()
    {
        _environment["ETL_CONFIG"] = "/no/such/file";
        Assert.Equal("x", ConnectionResolver.Resolve(new ConnectionRequest { ConnectionString = "Host=x" }, Variable).Host);
    }

    [Fact]
    public void The_users_configuration_folder_is_searched()
    {
        var folder = OperatingSystem.IsWindows() ? Path.Combine(_folder, "EtlTools") : Path.Combine(_folder, ".config", "etltools");
        Directory.CreateDirectory(folder);
        File.Move(_file, Path.Combine(folder, "etl.yaml"));
        Assert.Equal(["prod", "test"], EtlProfiles.Load(null, Variable).Names);
    }

    [Fact]
    public void Where_there_is_no_file_there_is_no_profile()
    {
        File.Delete(_file);
        var profiles = EtlProfiles.Load(null, Variable);

        Assert.Null(profiles.Path);
        Assert.Empty(profiles.Names);
        Assert.Equal("ProfileNotFound", Assert.Throws<EtlException>(() => profiles.Get("prod")).ErrorId);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_file_that_was_named_must_be_there(bool byVariable)
    {
        _environment["ETL_CONFIG"] = "/no/such/file";
        var error = Assert.Throws<EtlException>(() => EtlProfiles.Load(byVariable ? null : "/no/such/other", Variable));
        Assert.Equal(("ProfilesNotFound", EtlErrorKind.NotFound), (error.ErrorId, error.Kind));
    }

    [Fact]
    public void An_unknown_profile_is_told_with_those_there_are()
    {
        var error = Assert.Throws<EtlException>(() => EtlProfiles.Load(_file).Get("live"));
        Assert.Equal(("ProfileNotFound", "live"), (error.ErrorId, error.Target));
        Assert.Contains("prod, test", error.NextStep, StringComparison.Ordinal);
    }

    [Fact]
    public void A_password_variable_that_is_not_set_is_told()
    {
        _environment.Remove("CLINIC_PASSWORD");
        Assert.Equal("PasswordVariableEmpty", Assert.Throws<EtlException>(() => Resolve("prod")).ErrorId);
    }

    [Theory]
    [InlineData("default: prod", "default: pord", 1, "did you mean 'prod'?")]
    [InlineData("default: prod", "defalt: prod", 1, "did you mean 'default'?")]
    [InlineData("profiles:", "profile:", 2, "did you mean 'profiles'?")]
    [InlineData("port: 6000", "port: 70000", 5, "from 1 to 65535")]
    [InlineData("host: db.example", "hostname: db.example", 4, "no setting 'hostname'")]
    [InlineData("ssl_mode: verify-ca", "ssl_mode: verify", 8, "verify-full")]
    [InlineData("username: etl", "password: hidden", 7, "password_env")]
    [InlineData("  test:\n", "  Prod:\n", 3, "differ in case only")]
    [InlineData("host: db.example", "host: [a]", 4, "not a single value")]
    public void A_mistake_is_named_with_its_line(string valid, string instead, int line, string words)
    {
        File.WriteAllText(_file, Valid.ReplaceLineEndings("\n").Replace(valid, instead, StringComparison.Ordinal));

        var error = Assert.Throws<EtlException>(() => EtlProfiles.Load(_file));

        Assert.Equal(("ProfilesInvalid", EtlErrorKind.Configuration), (error.ErrorId, error.Kind));
        Assert.Contains(error.Message.Split('\n'), mistake =>
            mistake.StartsWith($"{_file}:{line}: ", StringComparison.Ordinal) && mistake.Contains(words, StringComparison.Ordinal));
        Assert.DoesNotContain("hidden", error.ToString(), StringComparison.Ordinal);
    }

    private string? Variable(string name) => _environment.GetValueOrDefault(name);

    private NpgsqlConnectionStringBuilder Resolve(string profile) =>
        ConnectionResolver.Resolve(new ConnectionRequest { Profile = profile, ProfilePath = _file }, Variable);
}
