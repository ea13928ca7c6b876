using System.Management.Automation.Runspaces;
using System.Runtime.CompilerServices;

namespace EtlTools.Cmdlets.Connections;

/// <summary>The default connection: each runspace has its own, so that parallel jobs do not share one by accident.</summary>
internal static class RunspaceConnection
{
    private static readonly ConditionalWeakTable<Runspace, EtlConnection> Connections = [];

    public static EtlConnection? Current =>
        Runspace.DefaultRunspace is { } runspace && Connections.TryGetValue(runspace, out var connection) ? connection : null;

    /// <summary>Makes a connection the default; the one before it stays open for those who hold it.</summary>
    public static void Set(EtlConnection connection) => Connections.AddOrUpdate(Runspace.DefaultRunspace, connection);

    public static void Clear() => Connections.Remove(Runspace.DefaultRunspace);
}
