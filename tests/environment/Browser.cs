namespace EtlTools.TestEnvironment;

/// <summary>A browser of the Chromium family, without a window.</summary>
public static class Browser
{
    public const string SkipReason = "No Chromium: install it, or run scripts/test.sh as root on Debian or its kin, which gets it.";

    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge"];

    /// <summary>What is on this machine already; null where there is nothing.</summary>
    public static string? Find() => Names.Select(Command.Find).FirstOrDefault(path => path is not null);

    public static async Task<string?> FindOrGetAsync() =>
        Find() ?? (await SystemPackage.EnsureCommandAsync("chromium", "chromium") ? Find() : null);

    /// <summary>Opens a page and returns its document as it stands after its scripts.</summary>
    /// <param name="page">The path of the page.</param>
    /// <param name="width">Of the window; a browser makes none smaller than 500.</param>
    /// <param name="isDark">The reader's colour scheme.</param>
    public static async Task<string> OpenAsync(string page, int width, bool isDark)
    {
        var profile = TempFolder.Create();
        try
        {
            var result = await Command.RunAsync(
                Find()!,
                [
                    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", $"--user-data-dir={profile}",
                    $"--blink-settings=preferredColorScheme={(isDark ? 0 : 1)}", $"--window-size={width},1000", "--dump-dom", new Uri(page).AbsoluteUri,
                ]);
            return result.Output;
        }
        finally
        {
            TempFolder.Delete(profile);
        }
    }
}
