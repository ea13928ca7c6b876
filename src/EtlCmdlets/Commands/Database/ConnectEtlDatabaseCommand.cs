using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Cmdlets.Connections;
using EtlTools.Core;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;

namespace EtlTools.Cmdlets.Commands.Database;

[Cmdlet(VerbsCommunications.Connect, "EtlDatabase", DefaultParameterSetName = "ConnectionString")]
[OutputType(typeof(EtlConnection))]
public sealed class ConnectEtlDatabaseCommand : EtlCmdlet
{
    [Parameter(Position = 0, ParameterSetName = "ConnectionString")]
    [ValidateNotNullOrEmpty]
    public string? ConnectionString { get; set; }

    [Parameter(Mandatory = true, ParameterSetName = "Profile", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ProfileCompleter))]
    public string? Profile { get; set; }

    [Parameter(ParameterSetName = "Profile")]
    [ValidateNotNullOrEmpty]
    public string? ConfigurationFile { get; set; }

    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(PipelineCompleter))]
    public string? Pipeline { get; set; }

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    // The commands that follow would work on the database of before.
    protected override bool StopsAtFirstFailure => true;

    protected override void Process()
    {
        try
        {
            Connect();
        }
        catch (EtlException failure) when (RunspaceConnection.Current is { IsOpen: true } former)
        {
            throw new EtlException(
                failure.Kind,
                failure.ErrorId,
                $"Still connected to {former}. {failure.Message}",
                failure.Target,
                failure.NextStep,
                failure.IsTransient,
                failure);
        }
    }

    private void Connect()
    {
        var profiles = ConfigurationFile is null ? null : GetUnresolvedProviderPathFromPSPath(ConfigurationFile);
        var pipeline = PipelinePath.Resolve(this, Pipeline)
            ?? (ConnectionString is null ? DefaultConnection.PipelineOf(Profile, profiles, Folder) : null);

        // A mistake in it is told now, not by the first command that needs it.
        if (pipeline is not null)
        {
            PipelineReader.Read(pipeline);
        }

        var database = EtlDatabase.Connect(new ConnectionRequest
        {
            ConnectionString = ConnectionString,
            Profile = Profile,
            ProfilePath = profiles,
            Folder = Folder,
            UserName = Credential?.UserName,
            Password = Credential?.GetNetworkCredential().Password,
        });
        var info = Await(database.GetInfoAsync);
        var connection = new EtlConnection(database, info, pipeline);
        RunspaceConnection.Set(connection);
        WriteVerbose($"Connected to {connection} ({info.ServerVersion}, TLS: {info.Tls}, schema: {info.Schema}).");
        if (info.Schema != "Current")
        {
            var remedy = info.Schema == "Newer"
                ? "Update the EtlTools module."
                : "Initialize-EtlDatabase creates or upgrades it; add -WhatIf to see how.";
            WriteWarning($"The schema of {connection} is {info.Schema}. {remedy}");
        }

        if (PassThru)
        {
            WriteObject(connection);
        }
    }
}
