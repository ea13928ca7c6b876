using EtlTools.TestEnvironment.Postgres;

namespace EtlTools.Tests.Infrastructure;

/// <summary>Needs a PostgreSQL server; skipped, and counted as skipped, where there is none.</summary>
public sealed class PostgresFactAttribute : FactAttribute
{
    public PostgresFactAttribute() => Skip = PostgresServer.SkipReason;
}

public sealed class PostgresTheoryAttribute : TheoryAttribute
{
    public PostgresTheoryAttribute() => Skip = PostgresServer.SkipReason;
}

/// <summary>Needs a PostgreSQL cluster of its own, to kill or to starve.</summary>
public sealed class PrivatePostgresFactAttribute : FactAttribute
{
    public PrivatePostgresFactAttribute() => Skip = PostgresServer.PrivateSkipReason;
}

public sealed class PrivatePostgresTheoryAttribute : TheoryAttribute
{
    public PrivatePostgresTheoryAttribute() => Skip = PostgresServer.PrivateSkipReason;
}

/// <summary>Needs a PostgreSQL cluster of its own and a small disk, which only root on Linux can make.</summary>
public sealed class SmallDiskFactAttribute : FactAttribute
{
    public SmallDiskFactAttribute() => Skip = PostgresServer.PrivateSkipReason ?? SmallDisk.SkipReason;
}

/// <summary>Needs an S3 server.</summary>
public sealed class S3FactAttribute : FactAttribute
{
    public S3FactAttribute() => Skip = S3Server.SkipReason;
}

public sealed class S3TheoryAttribute : TheoryAttribute
{
    public S3TheoryAttribute() => Skip = S3Server.SkipReason;
}

/// <summary>Needs a PostgreSQL server and an S3 server.</summary>
public sealed class PostgresS3FactAttribute : FactAttribute
{
    public PostgresS3FactAttribute() => Skip = PostgresServer.SkipReason ?? S3Server.SkipReason;
}

public sealed class PostgresS3TheoryAttribute : TheoryAttribute
{
    public PostgresS3TheoryAttribute() => Skip = PostgresServer.SkipReason ?? S3Server.SkipReason;
}

/// <summary>Needs promtool.</summary>
public sealed class PromtoolFactAttribute : FactAttribute
{
    public PromtoolFactAttribute() => Skip = Promtool.Find() is null ? Promtool.SkipReason : null;
}

/// <summary>Needs a browser.</summary>
public sealed class BrowserTheoryAttribute : TheoryAttribute
{
    public BrowserTheoryAttribute() => Skip = Browser.Find() is null ? Browser.SkipReason : null;
}

/// <summary>Needs a PostgreSQL server and a MariaDB server with its client.</summary>
public sealed class MariaDbFactAttribute : FactAttribute
{
    public MariaDbFactAttribute() => Skip = MariaDb.SkipReason;
}

public sealed class MariaDbTheoryAttribute : TheoryAttribute
{
    public MariaDbTheoryAttribute() => Skip = MariaDb.SkipReason;
}
