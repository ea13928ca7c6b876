using System.Management.Automation;
using EtlTools.Cmdlets.Completion;
using EtlTools.Cmdlets.Connections;
using EtlTools.Core;
using EtlTools.Core.Database;

namespace EtlTools.Cmdlets;

/// <summary>A command on a database: the one given, else the session's, else the one that the PG* variables name.</summary>
public abstract class EtlDatabaseCmdlet : EtlCmdlet
{
    private static readonly string[] Variables = ["PGHOST", "PGHOSTADDR", "PGDATABASE", "PGSERVICE"];

    private EtlDatabase? _ownDatabase;

    [Parameter]
    [ArgumentCompleter(typeof(ProfileCompleter))]
    public ConnectionArgument? Connection { get; set; }

    protected EtlDatabase Database => _ownDatabase ?? SessionConnection?.Core ?? (_ownDatabase = Connect());

    /// <summary>The connection that this command runs on where Connect-EtlDatabase made it.</summary>
    protected EtlConnection? SessionConnection
    {
        get
        {
            var connection = Connection is null ? RunspaceConnection.Current : Connection.Connection;
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
        if (Connection is null && !Variables.Any(name => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(name))))
        {
            throw new EtlException(
                EtlErrorKind.Connection,
                "NotConnected",
                "This session is not connected to a database.",
                MyInvocation.MyCommand.Name,
                "Run Connect-EtlDatabase, or pass -Connection, or set PGHOST and PGDATABASE.");
        }

        return EtlDatabase.Connect(new ConnectionRequest
        {
            ConnectionString = Connection?.ConnectionString,
            Profile = Connection?.Profile,
        });
    }
}
