namespace EtlTools.Tests.Sources;

/// <summary>An empty folder for one test, deleted when disposed.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("etl-source-").FullName;

    public string Write(string key, string content = "x", DateTime? modifiedUtc = null)
    {
        var path = System.IO.Path.Combine(Path, key);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
        if (modifiedUtc is { } time)
        {
            File.SetLastWriteTimeUtc(path, time);
        }

        return path;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
