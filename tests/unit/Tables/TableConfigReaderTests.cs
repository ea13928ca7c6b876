using EtlTools.Core;
using EtlTools.Core.Configuration;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sources;
using EtlTools.Core.Tables.Sync;

namespace EtlTools.Tests.Tables;

public sealed class TableConfigReaderTests
{
    [Fact]
    public void The_guide_s_generation_is_read()
    {
        var config = TableConfigReader.Parse(
            """
            source_tables:
              securitylog:
                incremental_column: DateTPrevious
                batch_size: 50000
                extraction_strategy: incremental
                table_importance: critical
                estimated_size_mb: 705.2
                estimated_rows: 3695443
                dependencies: [userod]
                is_modeled: false
                column_overrides:
                  Premed: {conversion_rule: tinyint_to_boolean}
                  Balance: {conversion_rule: decimal_round}
                monitoring:
                  alert_on_failure: true
                  max_extraction_time_minutes: 70
                  data_quality_threshold: 0.99
              adjustment:
                extraction_strategy: chunked_incremental
                incremental_columns: [AdjDate, SecDateTEdit]
                column_priorities: {SecDateTEdit: 1, AdjDate: 2}
                incremental_strategy: and_logic
                data_quality_filters: {min_date: '2001-01-01', max_date: '2030-12-31'}
                primary_key: AdjNum
            """,
            "tables.yml");
        Assert.Equal(TableConfigGeneration.SourceTables, config.Generation);
        var log = config.Tables[0];
        Assert.Equal(
            ("securitylog", TableImportance.Critical, SyncStrategy.Incremental, 50_000, 3_695_443L, 0.99, TimeSpan.FromMinutes(70)),
            (log.Name, log.Importance, log.Strategy, log.BatchSize, log.EstimatedRows!.Value, log.Monitoring.Threshold, log.Monitoring.TimeLimit!.Value));
        Assert.Equal(["DateTPrevious", "userod", "Premed"], [.. log.IncrementalColumns, .. log.Dependencies, .. log.BooleanColumns]);
        var adjustment = config.Find("ADJUSTMENT")!;
        Assert.Equal((SyncStrategy.IncrementalChunked, IncrementalLogic.And), (adjustment.Strategy, adjustment.IncrementalLogic));
        Assert.Equal(["SecDateTEdit", "AdjDate", "AdjNum"], [.. adjustment.IncrementalColumns, .. adjustment.PrimaryKey]);
        Assert.Equal((new DateOnly(2001, 1, 1), new DateOnly(2030, 12, 31)), (adjustment.MinDate, adjustment.MaxDate!.Value));
    }

    [Fact]
    public void The_analyzer_s_generation_is_read_and_what_says_nothing_is_told()
    {
        var config = TableConfigReader.Parse(
            """
            metadata:
              total_tables: 436
            tables:
              paysplit:
                table_name: paysplit
                extraction_strategy: incremental_chunked
                incremental_columns:
                - SplitNum
                - SecDateTEdit
                incremental_strategy: or_logic
                sync_profile: in_place_updates
                lookback_resync: {window_days: 30, predicate_columns: [DatePay, ProcDate]}
                time_gap_threshold_days: 7
                monitoring: {alert_on_failure: true, alert_on_slow_extraction: true}
                schema_hash: -5593082628002162089
                last_analyzed: '2025-10-19T19:21:17.945165'
                performance_category: medium
                primary_key: [SplitNum]
            """,
            "tables.yml");
        var table = Assert.Single(config.Tables);
        Assert.Equal(TableConfigGeneration.Analyzed, config.Generation);
        Assert.Equal((SyncProfile.InPlaceUpdates, 30, TimeSpan.FromDays(7)), (table.Profile, table.Lookback!.Days, table.Monitoring.OverdueAfter!.Value));
        Assert.Equal("-5593082628002162089", table.SchemaHash);
        Assert.Equal(["tables.yml:5: table_name", "tables.yml:17: performance_category", "tables.yml:14: alert_on_slow_extraction"], config.Ignored);
    }

    [Fact]
    public void What_older_files_have_for_nothing_is_read_as_that()
    {
        var config = TableConfigReader.Parse(
            """
            tables:
              account: {extraction_strategy: full_table, incremental_columns: [], incremental_strategy: none, primary_incremental_column: null}
              recall: {extraction_strategy: small_table, incremental_columns: [DateTStamp], incremental_strategy: single_column}
              procgroupitem: {extraction_strategy: incremental, incremental_column: null}
              sheet:
                extraction_strategy: incremental
                incremental_columns: [SheetNum, DateTimeSheet]
                primary_incremental_column: DateTimeSheet
                incremental_strategy: single_column
                lookback_resync: {enabled: false, window_days: 30, predicate_columns: [DateTimeSheet]}
            """,
            "tables.yml");
        Assert.Equal(
            [SyncStrategy.FullTable, SyncStrategy.FullTable, SyncStrategy.FullTable, SyncStrategy.Incremental], config.Tables.Select(table => table.Strategy));
        Assert.Equal(["DateTimeSheet", "SheetNum"], config.Tables[3].IncrementalColumns);
        Assert.Null(config.Tables[3].Lookback);
        Assert.Equal(["tables.yml:4: extraction_strategy without incremental columns"], config.Ignored);
        Assert.Throws<EtlException>(() => TableConfigReader.Parse("format: etltools-1\ntables:\n  a: {strategy: small_table}\n", "tables.yaml"));
    }

    [Fact]
    public void Every_mistake_is_told_with_its_line()
    {
        var error = Assert.Throws<EtlException>(() => TableConfigReader.Parse(
            """
            format: etltools-1
            tables:
              a:
                strategy: incremental
                importance: crtical
                batch_size: 0
              b:
                startegy: full_table
                deletes: maybe
                monitoring: {data_quality_threshold: 95}
                lookback: {windw_days: 3}
              c: 7
            """,
            "tables.yaml"));
        Assert.Equal("TableConfigInvalid", error.ErrorId);
        Assert.Equal(
            [
                "tables.yaml:4: table a is to be synced incrementally and names no incremental columns",
                "tables.yaml:5: importance of table a is 'crtical'",
                "tables.yaml:6: batch_size of table a is '0'",
                "tables.yaml:8: table b has no setting 'startegy'",
                "tables.yaml:9: deletes of table b is 'maybe'",
                "tables.yaml:10: data_quality_threshold of monitoring of b is '95'",
                "tables.yaml:11: lookback of b has no setting 'windw_days'",
                "tables.yaml:12: table c has no settings",
            ],
            error.Message.Split('\n').Select(line => line[..line.IndexOf(';')]));
    }

    [Fact]
    public void A_source_of_etl_yaml_is_read()
    {
        var profiles = EtlProfilesReader.Parse(
            """
            sources:
              opendental:
                host: db.practice.example
                port: 3307
                database: opendental
                username: reader
                tls: encrypt
                tables: od/tables.yaml
                schema: od
                history: off
                overlap: 1h
            """,
            "/etc/etl.yaml");
        var source = profiles.GetSource();
        Assert.Equal("opendental (reader@db.practice.example:3307/opendental)", source.Connection.ToString());
        var standard = source.Connection with { Tls = SourceTls.Default };
        Assert.Equal((SourceTls.Encrypt, SourceTls.Verify), (source.Connection.TlsTo(source.Connection.Host), standard.TlsTo(source.Connection.Host)));
        Assert.Equal((SourceTls.Prefer, SourceTls.Verify), (standard.TlsTo("127.0.0.1"), (standard with { CertificateFile = "ca.pem" }).TlsTo("127.0.0.1")));
        Assert.EndsWith("tables.yaml", source.TablesFile, StringComparison.Ordinal);
        Assert.Equal(("od", TimeSpan.Zero, TimeSpan.FromHours(1)), (source.Settings.Schema, source.Settings.HistoryRetention, source.Settings.Overlap));
        Assert.Equal("SourceNotFound", Assert.Throws<EtlException>(() => profiles.GetSource("other")).ErrorId);
        var error = Assert.Throws<EtlException>(() => EtlProfilesReader.Parse("sources:\n  a:\n    password: geheim\n    tls: no\n", "etl.yaml"));
        Assert.DoesNotContain("geheim", error.Message, StringComparison.Ordinal);
        Assert.Equal(4, error.Message.Split('\n').Length);
    }

    [Fact]
    public void Tables_come_by_importance_and_after_what_they_depend_on()
    {
        TableConfig[] tables =
        [
            new() { Name = "z", Importance = TableImportance.Reference },
            new() { Name = "claim", Importance = TableImportance.Critical, Dependencies = ["patient", "carrier", "elsewhere"] },
            new() { Name = "patient", Importance = TableImportance.Critical, Dependencies = ["site"] },
            new() { Name = "carrier", Importance = TableImportance.Reference },
            new() { Name = "site", Importance = TableImportance.Standard },
            new() { Name = "a", Importance = TableImportance.Important, Dependencies = ["b"], EstimatedMegabytes = 5 },
            new() { Name = "b", Importance = TableImportance.Important, Dependencies = ["a"] },
        ];
        var groups = SyncOrder.Group(tables).Select(group => string.Join(',', group.Select(table => table.Name)));
        Assert.Equal(["carrier,site", "patient", "claim", "b", "a", "z"], groups);
    }
}
