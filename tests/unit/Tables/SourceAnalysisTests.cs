using EtlTools.Core;
using EtlTools.Core.Tables.Analysis;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Tables;

public sealed class SourceAnalysisTests
{
    private const string Practice = """
        CREATE TABLE patient (PatNum bigint AUTO_INCREMENT PRIMARY KEY, PriProv bigint NOT NULL DEFAULT 0, LName varchar(100), Birthdate date NOT NULL DEFAULT '0001-01-01',
            DateTStamp timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp());
        INSERT INTO patient (LName, Birthdate) SELECT CONCAT('name ', seq), DATE('1950-01-01') + INTERVAL seq DAY FROM seq_1_to_12000;
        CREATE TABLE adjustment (AdjNum bigint AUTO_INCREMENT PRIMARY KEY, PatNum bigint NOT NULL, AdjDate datetime, SecDateTEdit datetime, DateTEntry datetime, AptDateTime datetime, Other datetime, Fourth datetime) ENGINE=MyISAM;
        INSERT INTO adjustment (PatNum, AdjDate, SecDateTEdit, DateTEntry, AptDateTime, Other, Fourth)
            SELECT seq % 12000 + 1, IF(seq = 7, '1902-07-31', '2024-01-01'), '2024-03-01' + INTERVAL seq SECOND, '2024-03-01', IF(seq = 11999, '2029-01-01', '2024-01-01'), IF(seq <= 50, '2024-01-01', '0001-01-01'), '2024-05-05'
            FROM seq_1_to_12000;
        CREATE TABLE securitylog (SecurityLogNum bigint AUTO_INCREMENT PRIMARY KEY, PatNum bigint, LogDateTime datetime NOT NULL, LogText text);
        INSERT INTO securitylog (PatNum, LogDateTime) SELECT seq, '2024-01-01' FROM seq_1_to_11000;
        CREATE TABLE claimproc (ClaimNum bigint, ProcNum bigint, PatNum bigint, PRIMARY KEY (ProcNum, ClaimNum));
        CREATE TABLE allergydef (AllergyDefNum bigint AUTO_INCREMENT PRIMARY KEY, Description varchar(50));
        CREATE TABLE allergy (AllergyNum bigint AUTO_INCREMENT PRIMARY KEY, AllergyDefNum bigint, PatNum bigint);
        CREATE TABLE empty (EmptyNum bigint AUTO_INCREMENT PRIMARY KEY, DateTStamp datetime) ENGINE=MyISAM;
        CREATE TABLE `odd name` (`a b` int, c int);
        CREATE TABLE parent (id int PRIMARY KEY) ENGINE=InnoDB;
        CREATE TABLE child (id int PRIMARY KEY, parent_ref int, FOREIGN KEY (parent_ref) REFERENCES parent (id)) ENGINE=InnoDB;
        CREATE VIEW everybody AS SELECT PatNum FROM patient;
        ANALYZE TABLE patient, adjustment, securitylog;
        """;

    [MariaDbFact]
    public async Task Each_table_gets_the_configuration_that_it_deserves()
    {
        await using var source = await MariaDbDatabase.CreateAsync(Practice);
        var reports = new List<AnalysisProgress>();
        var analysis = await new SourceAnalyzer(SyncWorkshop.ConnectionTo(source.Port, source.Name))
            .AnalyzeAsync([], 3, new Immediate(reports), CancellationToken.None);
        var tables = analysis.Tables.ToDictionary(table => table.Name);
        Assert.Equal(["adjustment", "allergy", "allergydef", "child", "claimproc", "empty", "odd name", "parent", "patient", "securitylog"], tables.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(1, analysis.Views);
        Assert.Empty(analysis.Unread);
        Assert.Contains(reports, report => report.TablesDone == 10);

        var patient = tables["patient"];
        Assert.Equal((TableImportance.Critical, SyncStrategy.Incremental, SyncProfile.InPlaceUpdates, IncrementalLogic.SingleColumn), (patient.Importance, patient.Strategy, patient.Profile, patient.IncrementalLogic));
        Assert.Equal(["DateTStamp"], patient.IncrementalColumns);
        Assert.Equal(["Birthdate"], patient.RejectedColumns.Keys);
        Assert.Equal((0.99, TimeSpan.FromMinutes(5), TimeSpan.FromDays(1)), (patient.Monitoring.Threshold, patient.Monitoring.TimeLimit, patient.Monitoring.OverdueAfter));

        var adjustment = tables["adjustment"];
        Assert.Equal(["SecDateTEdit", "DateTEntry", "Fourth"], adjustment.IncrementalColumns);
        Assert.Equal(IncrementalLogic.Or, adjustment.IncrementalLogic);
        Assert.Equal("1 of 10000 sampled values lie before 2000", adjustment.RejectedColumns["AdjDate"]);
        Assert.Equal("1 of 10000 sampled values lie in the future", adjustment.RejectedColumns["AptDateTime"]);
        Assert.Equal("50 of 10000 sampled rows have a value; fewer than 100 say nothing", adjustment.RejectedColumns["Other"]);
        Assert.Equal(["patient"], adjustment.Dependencies);

        var log = tables["securitylog"];
        Assert.Equal((TableImportance.Audit, SyncStrategy.Incremental, SyncProfile.AppendOnly), (log.Importance, log.Strategy, log.Profile));
        Assert.Equal(["ProcNum", "ClaimNum"], tables["claimproc"].PrimaryKey);
        Assert.Equal(TableImportance.Reference, tables["allergydef"].Importance);
        Assert.Equal(["allergydef", "patient"], tables["allergy"].Dependencies);
        Assert.Equal(["parent"], tables["child"].Dependencies);
        Assert.Equal((SyncStrategy.FullTable, 0), (tables["odd name"].Strategy, tables["odd name"].PrimaryKey.Count));
    }

    [MariaDbFact]
    public async Task No_value_of_a_table_gets_into_its_configuration()
    {
        await using var source = await MariaDbDatabase.CreateAsync("CREATE TABLE t (id int PRIMARY KEY, born datetime); INSERT INTO t SELECT seq, '1931-05-17 11:22:33' FROM seq_1_to_500;");
        var analysis = await new SourceAnalyzer(SyncWorkshop.ConnectionTo(source.Port, source.Name)).AnalyzeAsync([], 1, null, CancellationToken.None);
        Assert.DoesNotContain("1931", ConfigText.Write(TableConfigNodes.Of(Assert.Single(analysis.Tables)), new ConfigComments()), StringComparison.Ordinal);
    }

    [MariaDbFact]
    public async Task A_table_that_keeps_its_versions_is_one_and_a_sequence_is_none()
    {
        await using var source = await MariaDbDatabase.CreateAsync(
            "CREATE TABLE fee (FeeNum int PRIMARY KEY, Amount int) WITH SYSTEM VERSIONING; CREATE SEQUENCE numbers; CREATE VIEW fees AS SELECT * FROM fee;");
        var analysis = await new SourceAnalyzer(SyncWorkshop.ConnectionTo(source.Port, source.Name)).AnalyzeAsync([], 1, null, CancellationToken.None);
        Assert.Equal(["FeeNum"], Assert.Single(analysis.Tables).PrimaryKey);
        Assert.Equal(1, analysis.Views);
    }

    [MariaDbFact]
    public async Task Only_tables_that_are_there_can_be_asked_for()
    {
        await using var source = await MariaDbDatabase.CreateAsync("CREATE TABLE patient (PatNum int PRIMARY KEY);");
        var failure = await Assert.ThrowsAsync<EtlException>(() =>
            new SourceAnalyzer(SyncWorkshop.ConnectionTo(source.Port, source.Name)).AnalyzeAsync(["pateint"], 1, null, CancellationToken.None));
        Assert.Equal(("SourceTableMissing", "Did you mean patient?"), (failure.ErrorId, failure.NextStep));
    }

    [MariaDbFact]
    public async Task A_hash_tells_that_columns_have_changed()
    {
        await using var source = await MariaDbDatabase.CreateAsync("CREATE TABLE t (id int PRIMARY KEY, a varchar(10));");
        var analyzer = new SourceAnalyzer(SyncWorkshop.ConnectionTo(source.Port, source.Name));
        var before = (await analyzer.AnalyzeAsync([], 1, null, CancellationToken.None)).Tables[0].SchemaHash;
        await source.ExecuteAsync("INSERT INTO t VALUES (1, 'x')");
        Assert.Equal(before, (await analyzer.AnalyzeAsync([], 1, null, CancellationToken.None)).Tables[0].SchemaHash);
        await source.ExecuteAsync("ALTER TABLE t MODIFY a varchar(11)");
        Assert.NotEqual(before, (await analyzer.AnalyzeAsync([], 1, null, CancellationToken.None)).Tables[0].SchemaHash);
    }

    private sealed class Immediate(List<AnalysisProgress> reports) : IProgress<AnalysisProgress>
    {
        public void Report(AnalysisProgress value)
        {
            lock (reports)
            {
                reports.Add(value);
            }
        }
    }
}
