using EtlTools.Host;

return await EtlHost.RunAsync(args);
