namespace EtlTools.Host.Demo;

/// <summary>
/// Numbers and words that look drawn at random and are the same on every machine and in every run: each is a function of
/// what it is drawn for.
/// </summary>
internal static class Invention
{
    private static readonly string[] FirstNames =
    [
        "Aroha", "Bramwell", "Cressida", "Dorian", "Elowen", "Fergus", "Greta", "Hemi", "Isolde", "Jasper", "Kahu", "Linnea",
        "Manaia", "Nikau", "Ottilie", "Percival", "Quilla", "Rangi", "Saskia", "Tane", "Ursula", "Viggo", "Wiremu", "Xanthe",
        "Yorick", "Zinnia",
    ];

    private static readonly string[] FamilyBeginnings =
    [
        "Ash", "Birch", "Clover", "Dapple", "Elder", "Fern", "Gorse", "Hazel", "Iris", "Juniper", "Larch", "Moss", "Nettle",
        "Oak", "Poplar", "Quince", "Rowan", "Sorrel", "Thistle", "Willow",
    ];

    private static readonly string[] FamilyEndings = ["bank", "bourne", "combe", "dale", "field", "garth", "holt", "mere", "thwaite", "wick"];

    private static readonly string[] Words =
    [
        "review", "routine", "follow-up", "as discussed", "see letter", "left message", "no change", "stable", "next visit",
        "annual", "by phone", "on request",
    ];

    /// <summary>0 to <paramref name="count"/> - 1.</summary>
    public static int Draw(int count, string purpose, long key, int version = 0)
    {
        // FNV-1a, then the finaliser of MurmurHash3: neighbouring keys must not give neighbouring numbers.
        var hash = 14695981039346656037UL;
        foreach (var letter in purpose)
        {
            hash = (hash ^ letter) * 1099511628211UL;
        }

        hash = (hash ^ (ulong)key) * 1099511628211UL;
        hash = (hash ^ (ulong)version) * 1099511628211UL;
        hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCDUL;
        hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53UL;
        hash ^= hash >> 33;
        return (int)(hash % (ulong)count);
    }

    /// <param name="kind">Patients and providers are different people.</param>
    /// <param name="key">The person.</param>
    public static (string First, string Family) Person(string kind, long key) => (
        FirstNames[Draw(FirstNames.Length, kind + " first name", key)],
        FamilyBeginnings[Draw(FamilyBeginnings.Length, kind + " family begins", key)]
        + FamilyEndings[Draw(FamilyEndings.Length, kind + " family ends", key)]);

    /// <summary>Free text as people type it: it can hold a new line and quotes.</summary>
    public static string Note(string purpose, long key, int version)
    {
        var first = Words[Draw(Words.Length, purpose + " 1", key, version)];
        var second = Words[Draw(Words.Length, purpose + " 2", key, version)];
        return Draw(8, purpose + " form", key, version) switch
        {
            0 => $"\"{first}\", {second}",
            1 => $"{first}\r\n{second}",
            _ => $"{first}; {second}",
        };
    }
}
