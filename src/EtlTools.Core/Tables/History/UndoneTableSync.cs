using System.Globalization;
using EtlTools.Core.Tables.Sync;

namespace EtlTools.Core.Tables.History;

/// <summary>A sync that an undo takes back, and what it changed the copy by.</summary>
public sealed record UndoneTableSync
{
    public required long TableSyncId { get; init; }

    /// <summary>The table.</summary>
    public required string Name { get; init; }

    public required SyncMode Mode { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    public long RowsInserted { get; init; }

    public long RowsUpdated { get; init; }

    public long RowsDeleted { get; init; }

    public long RowsChanged => RowsInserted + RowsUpdated + RowsDeleted;

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"sync {TableSyncId} of {Name} ({Mode} at {StartedAt.LocalDateTime:yyyy-MM-dd HH:mm}, {RowsChanged:N0} {(RowsChanged == 1 ? "row" : "rows")} changed)");
}
