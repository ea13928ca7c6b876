using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using EtlTools.Cmdlets.Connections;

namespace EtlTools.Cmdlets.Completion;

/// <summary>Completion that may ask files or the database, and therefore never waits long and never throws.</summary>
public abstract class BoundedCompleter : IArgumentCompleter
{
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(500);

    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName,
        string parameterName,
        string wordToComplete,
        CommandAst commandAst,
        IDictionary fakeBoundParameters)
    {
        try
        {
            // The session's state belongs to the pipeline thread: it is read before the work leaves it.
            var context = new CompletionContext(Unquote(wordToComplete), fakeBoundParameters, RunspaceConnection.Current, FindFolder());
            using var limit = new CancellationTokenSource(Limit);
            var task = Task.Run(() => FindAsync(context, limit.Token), limit.Token);
            return task.Wait(Limit)
                ? [.. task.Result.Where(choice => choice.Value.StartsWith(context.Word, StringComparison.OrdinalIgnoreCase)).Select(ToResult)]
                : [];
        }
        catch (Exception)
        {
            // No database, a mistake in a file: there is nothing to offer, and the command itself will say why.
            return [];
        }
    }

    internal abstract Task<IReadOnlyList<Choice>> FindAsync(CompletionContext context, CancellationToken cancellationToken);

    private static string? FindFolder()
    {
        using var shell = PowerShell.Create(RunspaceMode.CurrentRunspace);
        return shell.AddCommand("Microsoft.PowerShell.Management\\Get-Location").AddParameter("PSProvider", "FileSystem")
            .Invoke<PathInfo>().FirstOrDefault()?.ProviderPath;
    }

    private static string Unquote(string word) => word.Trim('\'', '"');

    private static CompletionResult ToResult(Choice choice)
    {
        var isBareWord = choice.Value.All(character => char.IsLetterOrDigit(character) || character is '-' or '_' or '.');
        var text = isBareWord ? choice.Value : "'" + choice.Value.Replace("'", "''") + "'";
        return new CompletionResult(text, choice.Value, CompletionResultType.ParameterValue, choice.ToolTip);
    }
}

/// <summary>A value to offer, with a line that tells what it is.</summary>
internal sealed record Choice(string Value, string ToolTip);
