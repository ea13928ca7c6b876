using EtlTools.Core.Database;

namespace EtlTools.Cmdlets.Connections;

/// <summary>An open connection of the session: what Connect-EtlDatabase -PassThru returns and -Connection takes.</summary>
public sealed class EtlConnection
{
    internal EtlConnection(EtlDatabase database, DatabaseInfo info, string? pipeline)
    {
        Core = database;
        Info = info;
        Pipeline = pipeline;
    }

    public string Host => Info.Host;

    public int Port => Info.Port;

    public string Database => Info.Database;

    public string User => Info.User;

    public string ServerVersion => Info.ServerVersion;

    /// <summary>None, Encrypted or Verified.</summary>
    public string Tls => Info.Tls;

    /// <summary>NotInitialized, Current, UpgradeNeeded or Newer, as it was on connecting.</summary>
    public string Schema => Info.Schema;

    /// <summary>The pipeline that commands on this connection use when none is given.</summary>
    public string? Pipeline { get; }

    public bool IsOpen { get; private set; } = true;

    internal EtlDatabase Core { get; }

    private DatabaseInfo Info { get; }

    public override string ToString() => Core.Description;

    internal void Close()
    {
        IsOpen = false;
        Core.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }
}
