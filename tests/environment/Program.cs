using EtlTools.TestEnvironment;
using EtlTools.TestEnvironment.Postgres;
using EtlTools.TestEnvironment.S3;

switch (args)
{
    case [Guard.Verb]:
        await Guard.RunAsync();
        return 0;
    case ["get"]:
        var haveAll = await PostgresBinaries.FindOrGetAsync() is not null & await S3Program.FindOrGetAsync() is not null;
        return haveAll ? 0 : 1;
    default:
        await Console.Error.WriteLineAsync("Unknown command.");
        return 2;
}
