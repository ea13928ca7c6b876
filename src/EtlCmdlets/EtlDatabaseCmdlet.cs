using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Cmdlets.Connections;
using EtlTools.Core;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Core.Runs;

namespace EtlTools.Cmdlets;

/// <summary>A command on a database: the one given, else the session's, else the one that profile or environment name.</summary>
public abstract class EtlDatabaseCmdlet : EtlCmdlet
{
    // Taken when PowerShell makes the command: a runspace is known on its own thread only.
    private readonly EtlConnection? _runspaceConnection = RunspaceConnection.Current;

    private EtlDatabase? _ownDatabase;
    private PipelineConfig? _pipeline;

    [Parameter]
    [ArgumentCompleter(typeof(ProfileCompleter))]
    public ConnectionArgument? Connection { get; set; }

    protected EtlDatabase Database => _ownDatabase ?? SessionConnection?.Core ?? (_ownDatabase = Connect());

    /// <summary>The pipeline that goes with the database; null where nobody named one.</summary>
    protected string? ConnectionPipeline =>
        SessionConnection is { } connection ? connection.Pipeline : DefaultConnection.PipelineOf(Connection, Folder);

    /// <summary>The ledger; where extract types are named, with the pipeline that knows their names, if there is one.</summary>
    protected RunLedger Ledger(string[] extractTypes)
    {
        if (extractTypes.Length > 0 && _pipeline is null && (ConnectionPipeline ?? PipelinePath.FromEnvironment) is { } name)
        {
            _pipeline = PipelineReader.Read(name);
        }

        return new RunLedger(Database, _pipeline);
    }

    private EtlConnection? SessionConnection
    {
        get
        {
            var connection = Connection is null ? _runspaceConnection : Connection.Connection;
            return connection is not { IsOpen: false }
                ? connection
                : throw new EtlException(
                    EtlErrorKind.Connection,
                    "NotConnected",
                    $"The connection to {connection} has been closed.",
                    connection.ToString(),
                    "Run Connect-EtlDatabase again.");
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _ownDatabase?.DisposeAsync().AsTask().GetAwaiter().GetResult();
            _ownDatabase = null;
        }

        base.Dispose(disposing);
    }

    private EtlDatabase Connect()
    {
        if (Connection is null && !DefaultConnection.IsNamed(Folder))
        {
            throw new EtlException(
                EtlErrorKind.Connection,
                "NotConnected",
                "This session is not connected to a database.",
                MyInvocation.MyCommand.Name,
                "Run Connect-EtlDatabase, or pass -Connection, or set PGHOST and PGDATABASE.");
        }

        return EtlDatabase.Connect(DefaultConnection.RequestFor(Connection, Folder));
    }
}
