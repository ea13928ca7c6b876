namespace EtlTools.Core.Recovery.Payloads;

/// <summary>Why a metric of a payload is no row.</summary>
public enum MetricFaultReason
{
    /// <summary>The mapping has no such type, or an iOS name that it does not know.</summary>
    UnknownType,

    /// <summary>A required field is not there or null. A pressure whose other half is not there is such a metric.</summary>
    MissingField,

    /// <summary>A date in no known form, or one that does not exist. No time is invented.</summary>
    InvalidTime,

    /// <summary>Not plausible by the mapping, or too large for a number.</summary>
    OutOfRange,

    /// <summary>A unit that the mapping cannot turn into the column's.</summary>
    UnknownUnit,

    /// <summary>A condition between columns does not hold.</summary>
    RuleBroken,

    /// <summary>A text where a number belongs, and the like; a uuid that is none.</summary>
    WrongKind,

    /// <summary>A text that no database takes: it has a NUL or half a character.</summary>
    InvalidText,

    /// <summary>It is not JSON; the metrics around it are read.</summary>
    Malformed,

    /// <summary>The payload ends inside it.</summary>
    Incomplete,

    /// <summary>Larger than the reader holds.</summary>
    TooLarge,
}

/// <summary>A metric that is not taken, and why. It never holds a value of the payload.</summary>
/// <param name="Type">The type; null where it is unknown.</param>
/// <param name="Name">The type's name or its iOS name, as the mapping has it; "" where the type is unknown.</param>
/// <param name="Ordinal">The how-many-th metric of the payload, from 1.</param>
/// <param name="Reason">Why.</param>
/// <param name="Field">The column, or the text of the rule; "" where it is about the whole metric.</param>
public readonly record struct MetricFault(MetricType? Type, string Name, long Ordinal, MetricFaultReason Reason, string Field);
