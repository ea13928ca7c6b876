using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Cmdlets.Connections;
using EtlTools.Core;
using EtlTools.Core.Database;

namespace EtlTools.Cmdlets;

/// <summary>A command on a database: the one given, else the session's, else the one that profile or environment name.</summary>
public abstract class EtlDatabaseCmdlet : EtlCmdlet
{
    // Taken when PowerShell makes the command: a runspace is known on its own thread only.
    private readonly EtlConnection? _runspaceConnection = RunspaceConnection.Current;

    private EtlDatabase? _ownDatabase;

    [Parameter]
    [ArgumentCompleter(typeof(ProfileCompleter))]
    public ConnectionArgument? Connection { get; set; }

    protected EtlDatabase Database => _ownDatabase ?? SessionConnection?.Core ?? (_ownDatabase = Connect());

    /// <summary>The pipeline that goes with the database; null where nobody named one.</summary>
    protected string? ConnectionPipeline =>
        SessionConnection is { } connection ? connection.Pipeline : DefaultConnection.PipelineOf(Connection);

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
        if (Connection is null && !DefaultConnection.IsNamed)
        {
            throw new EtlException(
                EtlErrorKind.Connection,
                "NotConnected",
                "This session is not connected to a database.",
                MyInvocation.MyCommand.Name,
                "Run Connect-EtlDatabase, or pass -Connection, or set PGHOST and PGDATABASE.");
        }

        return EtlDatabase.Connect(DefaultConnection.RequestFor(Connection));
    }
}
