using System.Management.Automation;
using EtlTools.Cmdlets.Connections;
using EtlTools.Core;

namespace EtlTools.Cmdlets.Commands.Database;

[Cmdlet(VerbsCommunications.Disconnect, "EtlDatabase")]
[OutputType(typeof(void))]
public sealed class DisconnectEtlDatabaseCommand : EtlCmdlet
{
    [Parameter(Position = 0, ValueFromPipeline = true)]
    public ConnectionArgument? Connection { get; set; }

    protected override void Process()
    {
        var connection = Connection is null ? RunspaceConnection.Current : Connection.Connection;
        if (connection is null)
        {
            throw new EtlException(
                EtlErrorKind.InvalidInput,
                "NotConnected",
                Connection is null ? "This session is not connected to a database." : "Only a connection can be closed, not its text.",
                MyInvocation.MyCommand.Name,
                "Pass what Connect-EtlDatabase -PassThru returned, or nothing for the session's own connection.");
        }

        connection.Close();
        if (ReferenceEquals(connection, RunspaceConnection.Current))
        {
            RunspaceConnection.Clear();
        }
    }
}
