namespace EtlTools.Core.Recovery.Tables;

/// <summary>Why a metric, or a value of it, cannot go into a table of this database.</summary>
public enum RefusalReason
{
    /// <summary>The database has no table for its type, or none with a user and a key.</summary>
    NoTable,

    /// <summary>This database user lacks a right on its table: the problem's name says which.</summary>
    NoPermission,

    /// <summary>The table lacks the column. The rest of the row is taken.</summary>
    NoColumn,

    /// <summary>No label of the column's enum, too long, too large. An optional value is left out, and the rest of the row is taken.</summary>
    UnfitValue,

    /// <summary>A column that must not be empty would be.</summary>
    NotNull,

    CheckConstraint,

    ForeignKey,

    /// <summary>A partitioned table has no partition for it.</summary>
    NoPartition,

    /// <summary>Another unique key of the table has such a row already.</summary>
    UniqueKey,

    /// <summary>The database refused it by a trigger, an exclusion constraint or the like.</summary>
    Refused,

    /// <summary>It stands among rows of which too many were refused one by one.</summary>
    NotIsolated,

    /// <summary>A row that is there lacks values, and with them it would break a constraint of the table; it stays as it is.</summary>
    NotCompleted,
}
