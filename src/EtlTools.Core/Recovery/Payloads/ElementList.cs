namespace EtlTools.Core.Recovery.Payloads;

/// <summary>A list of a payload, as far as it is known before its elements.</summary>
/// <param name="binding">What its elements are; null where the mapping does not know the list, or the elements say it.</param>
/// <param name="unit">What its measurements are in; empty: the units of the columns.</param>
internal sealed class ElementList(MetricBinding? binding, byte[] unit)
{
    /// <summary>A list whose elements say what they are.</summary>
    public static ElementList OfMetrics { get; } = new(null, []);

    /// <summary>A list that is only passed, exactly as it would be read.</summary>
    public static ElementList Passed { get; } = new(null, []);

    public MetricBinding? Binding { get; } = binding;

    public byte[] Unit { get; } = unit;
}

/// <summary>What stands beside the data of a named list.</summary>
internal readonly record struct ListLabel(string? Name, string? Unit)
{
    public bool IsComplete => Name is not null && Unit is not null;

    /// <summary>What is not known yet is taken from another.</summary>
    public ListLabel Or(ListLabel other) => new(Name ?? other.Name, Unit ?? other.Unit);
}

/// <summary>The labels of the named lists that are still to be read.</summary>
internal sealed class ListLabels
{
    private readonly Queue<ListLabel> _labels = new();

    public void Add(ListLabel label) => _labels.Enqueue(label);

    public ListLabel Take() => _labels.TryDequeue(out var label) ? label : default;
}
