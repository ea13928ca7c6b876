namespace EtlTools.Core.Reprocessing;

/// <summary>Whatever changes loaded data says why; the reason stays in the ledger.</summary>
public static class Reasons
{
    /// <exception cref="EtlException">ReasonEmpty.</exception>
    public static void Require(string? reason)
    {
        if (string.IsNullOrWhiteSpace(reason))
        {
            throw new EtlException(
                EtlErrorKind.InvalidInput,
                "ReasonEmpty",
                "The reason is empty.",
                "Reason",
                "Say in a few words why; no patient's data, for the reason is kept in the ledger and shown in lists.");
        }
    }
}
