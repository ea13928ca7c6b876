using System.Security.Cryptography;
using System.Text;

namespace EtlTools.Core.Database;

/// <summary>A numbered script that ships in the assembly. It is never edited after a release.</summary>
internal sealed record Migration(int Version, string Name, string Sql)
{
    /// <summary>SHA-256 of the text with LF line ends, so that a checkout's line ends do not matter.</summary>
    public string Checksum { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Sql)));

    public string Title => Name.Replace('_', ' ');
}

internal static class MigrationCatalog
{
    private const string ResourcePrefix = "EtlTools.Core.Database.Migrations.";

    /// <summary>All of them, oldest first.</summary>
    public static IReadOnlyList<Migration> All { get; } = Load();

    public static int LatestVersion => All[^1].Version;

    private static List<Migration> Load()
    {
        var assembly = typeof(MigrationCatalog).Assembly;
        return assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(ResourcePrefix, StringComparison.Ordinal))
            .Select(name =>
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
                var file = name[ResourcePrefix.Length..^".sql".Length];
                var sql = reader.ReadToEnd().ReplaceLineEndings("\n");
                return new Migration(int.Parse(file[..4], System.Globalization.CultureInfo.InvariantCulture), file[5..], sql);
            })
            .OrderBy(migration => migration.Version)
            .ToList();
    }
}
