using System.Collections;

namespace EtlTools.Core;

/// <summary>A list whose text is its members', so that Export-Csv and a sentence show what is in it. Equal lists are equal.</summary>
public sealed class JoinedList<T>(IEnumerable<T> items) : IReadOnlyList<T>, IEquatable<JoinedList<T>>
{
    private readonly T[] _items = [.. items];

    public int Count => _items.Length;

    public T this[int index] => _items[index];

    public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)_items).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => _items.GetEnumerator();

    public bool Equals(JoinedList<T>? other) => other is not null && _items.AsSpan().SequenceEqual(other._items);

    public override bool Equals(object? obj) => Equals(obj as JoinedList<T>);

    public override int GetHashCode() => _items.Aggregate(0, HashCode.Combine);

    public override string ToString() => string.Join(", ", _items);
}

internal static class JoinedList
{
    public static IReadOnlyList<T> Empty<T>() => new JoinedList<T>([]);

    public static IReadOnlyList<T> Of<T>(IEnumerable<T> items) => items as JoinedList<T> ?? new JoinedList<T>(items);
}
