using System.Text;

namespace EtlTools.Core.Recovery.Ingestions;

/// <summary>The statuses of ingestions in the field. No deployment has all of them.</summary>
public enum IngestionStatus
{
    Pending,
    Parsing,
    Validation,
    Processing,
    Processed,
    PartialSuccess,
    Error,
    Failed,
    Completed,
    Recovered,
    RecoveryFailed,
    Ready,
}

public static class IngestionStatuses
{
    /// <summary>As the database has it: partial_success.</summary>
    public static string ToWord(this IngestionStatus status)
    {
        var word = new StringBuilder();
        foreach (var letter in status.ToString())
        {
            if (char.IsUpper(letter) && word.Length > 0)
            {
                word.Append('_');
            }

            word.Append(char.ToLowerInvariant(letter));
        }

        return word.ToString();
    }

    /// <summary>The status that the database writes so; null for a word that is none of them.</summary>
    public static IngestionStatus? Find(string word) =>
        Enum.GetValues<IngestionStatus>().Cast<IngestionStatus?>().FirstOrDefault(status => status!.Value.ToWord() == word);
}
