using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace EtlTools.Core.Sources;

/// <summary>
/// The deployment's identity of a file's content: SHA-256, in lower-case hex, of key|size|etag|lastModified, the ETag in
/// its double quotes and the time as ISO 8601 UTC with milliseconds. What the deployment has loaded is recognised by it.
/// </summary>
public static class FileIdentity
{
    public static string Hash(SourceObject source)
    {
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"{source.Key}|{source.SizeBytes}|{source.ETag}|{source.LastModified.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss.fff'Z'}");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }
}
