using System.Text;

namespace EtlTools.Core.Health.Export;

/// <summary>Writes a health to a file. Whoever reads the file meanwhile sees the old one or the new one, whole.</summary>
public static class HealthExporter
{
    /// <summary>The format that a file name's extension names; null where it names none.</summary>
    public static HealthFormat? FormatOf(string path) => Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".prom" => HealthFormat.Prometheus,
        ".json" => HealthFormat.Json,
        ".html" or ".htm" => HealthFormat.Html,
        _ => null,
    };

    /// <param name="health">What to write.</param>
    /// <param name="format">How.</param>
    /// <param name="path">The file; its folder must be there.</param>
    /// <param name="cancellationToken">Stops it; the old file stays.</param>
    /// <exception cref="EtlException">HealthIsPartial, ExportFolderMissing, ExportDenied, ExportFailed.</exception>
    public static async Task<HealthExport> WriteAsync(ProcessingHealth health, HealthFormat format, string path, CancellationToken cancellationToken)
    {
        var file = Path.GetFullPath(path);
        try
        {
            if (Directory.Exists(file))
            {
                throw new UnauthorizedAccessException();
            }

            var text = format switch
            {
                HealthFormat.Prometheus => PrometheusText.Write(health, await ReadOrNothingAsync(file, cancellationToken).ConfigureAwait(false)),
                HealthFormat.Json => HealthJson.Write(health),
                _ => HealthPage.Write(health),
            };
            await AtomicFile.WriteAsync(file, stream => stream.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken).AsTask()).ConfigureAwait(false);
            return new HealthExport
            {
                Path = file,
                Format = format,
                Status = health.Status,
                SizeBytes = new FileInfo(file).Length,
                GeneratedAt = health.GeneratedAt,
            };
        }
        catch (DirectoryNotFoundException error)
        {
            throw new EtlException(
                EtlErrorKind.NotFound, "ExportFolderMissing", $"There is no folder to write {file} to.", file, "Create the folder, or correct the path.", inner: error);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new EtlException(
                EtlErrorKind.Permission, "ExportDenied", $"{file} may not be written: it is a folder, or this user has no right to.", file,
                "Name a file, in a folder where this user may create and replace files.", inner: error);
        }
        catch (IOException error)
        {
            throw new EtlException(
                EtlErrorKind.Resource, "ExportFailed", $"{file} could not be written; the file of before, if any, is unchanged.", file,
                "Check the disk's free space, and that no other program holds the file open.", inner: error);
        }
    }

    private static async Task<string> ReadOrNothingAsync(string file, CancellationToken cancellationToken) =>
        File.Exists(file) ? await File.ReadAllTextAsync(file, cancellationToken).ConfigureAwait(false) : "";
}
