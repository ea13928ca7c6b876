using EtlTools.Core.Database;
using EtlTools.Core.Runs;
using EtlTools.Tests.Engine;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Faults;

public sealed class KilledSchemaTests
{
    /// <summary>Killed at every step, one step further on each time.</summary>
    [PostgresTheory]
    [MemberData(nameof(CrashPoints.Schema), MemberType = typeof(CrashPoints))]
    public async Task Initialising_goes_on_where_it_was_killed(string crashPoint)
    {
        var folder = Directory.CreateTempSubdirectory("etl-engine-");
        await using var database = await PostgresDatabase.CreateAsync();
        await using var etl = database.OpenEtl();
        var schema = new SchemaManager(etl);
        var pipeline = EngineWorkshop.Describe(folder.FullName);

        // Before a commit: the first step is committed, and the second is lost.
        var time = crashPoint == "schema.before-commit" ? ":2" : "";
        var kills = 0;
        while (await EngineProcess.RunToAsync(database.ConnectionString, folder.FullName, crashPoint + time, "initialise"))
        {
            Assert.True(++kills < 40, "it does not get any further");
        }

        Assert.True(kills > 5);
        Assert.Empty(await schema.PlanAsync(pipeline, CancellationToken.None));
        folder.Delete();
        await using var work = await EngineWorkshop.OpenAsync(database);
        work.WritePersons(1, "a", "1,A,Ann,,,", "2,A,,,,");
        Assert.Equal(LoadRunStatus.Completed, (await work.LoadAsync()).Status);
        await Truth.AssertWholeAsync(work);
    }
}
