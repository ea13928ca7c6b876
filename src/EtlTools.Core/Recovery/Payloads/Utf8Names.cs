using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text;

namespace EtlTools.Core.Recovery.Payloads;

/// <summary>Finds what belongs to a name by its UTF-8 bytes, without making a string of them.</summary>
internal sealed class Utf8Names<T>
{
    private (byte[] Name, T Value)[] _slots = new (byte[], T)[16];

    public int Count { get; private set; }

    /// <summary>A name that is there already keeps its value.</summary>
    public void Add(ReadOnlySpan<byte> name, T value)
    {
        if (TryFind(name, out _))
        {
            return;
        }

        if (2 * ++Count > _slots.Length)
        {
            var old = _slots;
            _slots = new (byte[], T)[2 * old.Length];
            foreach (var slot in old.Where(slot => slot.Name is not null))
            {
                Place(slot.Name, slot.Value);
            }
        }

        Place(name.ToArray(), value);
    }

    public void Add(string name, T value) => Add(Encoding.UTF8.GetBytes(name), value);

    public bool TryFind(ReadOnlySpan<byte> name, [MaybeNullWhen(false)] out T value)
    {
        var mask = _slots.Length - 1;
        for (var place = Hash(name) & mask; ; place = (place + 1) & mask)
        {
            ref var slot = ref _slots[place];
            if (slot.Name is null)
            {
                value = default;
                return false;
            }

            if (name.SequenceEqual(slot.Name))
            {
                value = slot.Value;
                return true;
            }
        }
    }

    private void Place(byte[] name, T value)
    {
        var mask = _slots.Length - 1;
        var place = Hash(name) & mask;
        while (_slots[place].Name is not null)
        {
            place = (place + 1) & mask;
        }

        _slots[place] = (name, value);
    }

    // Names differ in length, beginning or end.
    private static int Hash(ReadOnlySpan<byte> name)
    {
        ulong hash = (uint)name.Length;
        if (name.Length >= sizeof(ulong))
        {
            hash += MemoryMarshal.Read<ulong>(name) * 0x9E3779B97F4A7C15;
            hash ^= MemoryMarshal.Read<ulong>(name[^sizeof(ulong)..]) * 0xC2B2AE3D27D4EB4F;
        }
        else
        {
            foreach (var letter in name)
            {
                hash = (hash << 8) + (hash >> 56) + letter;
            }

            hash *= 0x9E3779B97F4A7C15;
        }

        return (int)(hash >> 40);
    }
}
