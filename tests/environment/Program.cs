using EtlTools.TestEnvironment;
using EtlTools.TestEnvironment.Demo;
using EtlTools.TestEnvironment.TestRun;

switch (args)
{
    case [Guard.Verb]:
        await Guard.RunAsync();
        return 0;
    case ["get"]:
        return await Commands.GetAsync();
    case ["test", .. var options] when TestOptions.Parse(options) is { } parsed:
        return await TestRunner.RunAsync(Environment.CurrentDirectory, parsed);
    case ["test", ..]:
        await Console.Error.WriteLineAsync(TestOptions.Usage);
        return 2;
    case ["run", "--durable", "--", .. { Length: > 0 } command]:
        return await Commands.RunAsync(durable: true, command);
    case ["run", "--", .. { Length: > 0 } command]:
        return await Commands.RunAsync(durable: false, command);
    case ["show-servers"]:
        return Commands.ShowServers();
    case ["create-database"]:
        return await Commands.CreateDatabaseAsync();
    case ["drop-database", var connection]:
        return await Commands.DropDatabaseAsync(connection);
    case ["sql", var connection]:
        return await Commands.RunSqlAsync(connection, Console.In);
    case ["create-bucket"]:
        return await Commands.CreateBucketAsync();
    case ["put", var bucket, var key, var file]:
        return await Commands.PutAsync(bucket, key, file);
    case ["put-folder", var bucket, var prefix, var folder]:
        return await Commands.PutFolderAsync(bucket, prefix, folder);
    case ["demo"]:
        return await DemoRun.RunAsync(Environment.CurrentDirectory, withPowerShell: true);
    case ["demo", DemoRun.WithoutPowerShell]:
        return await DemoRun.RunAsync(Environment.CurrentDirectory, withPowerShell: false);
    case ["delete-bucket", var bucket]:
        return await Commands.DeleteBucketAsync(bucket);
    case ["vendor-file", var folder, var pipeline, var extractType, var rows, .. var options]:
        return Commands.WriteVendorFile(folder, pipeline, extractType, rows, options);
    default:
        await Console.Error.WriteLineAsync(Commands.Usage);
        return 2;
}
