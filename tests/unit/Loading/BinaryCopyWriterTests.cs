using System.Buffers.Binary;
using System.Text;
using EtlTools.Core.Configuration;
using EtlTools.Core.Loading;
using EtlTools.Core.Parsing;
using EtlTools.Tests.Parsing;

namespace EtlTools.Tests.Loading;

public sealed class BinaryCopyWriterTests
{
    [Theory]
    [InlineData(8)]
    [InlineData(100)]
    [InlineData(1 << 18)]
    public async Task Values_go_verbatim_with_null_empty_file_and_row_number(int bufferBytes)
    {
        var bytes = await WriteAsync("000123,,\"\"\n\"a\"\"b\",\" x\n\",é😀\nbad\nlast,2,3\n", Parsed.Csv, 3, [0, 1, 2], bufferBytes);
        Assert.Equal(
            [
                ["000123", null, "", "7", "1"],
                ["a\"b", " x\n", "é😀", "7", "2"],
                ["last", "2", "3", "7", "4"],
            ],
            Decode(bytes, 3));
    }

    [Fact]
    public async Task Columns_are_taken_from_the_mapped_fields_and_are_null_without_one()
    {
        var bytes = await WriteAsync("a,b,c\n", Parsed.Csv, 3, [2, -1, 0, 2], 1000);
        Assert.Equal([["c", null, "a", "c", "7", "1"]], Decode(bytes, 4));
    }

    [Fact]
    public async Task Fields_of_every_length_are_copied_whole()
    {
        var lengths = Enumerable.Range(0, 200).Concat([4000, 70_000, 300_000]).ToList();
        var text = string.Concat(lengths.Select(length => $"{new string('x', length)}|^^|{new string('y', length)}z|~~|"));
        var bytes = await WriteAsync(text, Parsed.Vendor, 2, [1, 0], 500);
        var rows = Decode(bytes, 2);
        for (var i = 0; i < lengths.Count; i++)
        {
            Assert.Equal(new string('y', lengths[i]) + "z", rows[i][0]);
            Assert.Equal(lengths[i] == 0 ? null : new string('x', lengths[i]), rows[i][1]);
        }
    }

    [Fact]
    public async Task Sends_of_the_configured_size_are_awaited_one_after_another()
    {
        var stream = new SlowStream();
        var text = string.Concat(Enumerable.Range(0, 5000).Select(i => $"{i},b\n"));
        await WriteAsync(text, Parsed.Csv, 2, [0, 1], 4096, stream);
        Assert.Equal(5000, Decode(stream.Written.ToArray(), 2).Count);
        Assert.True(stream.Sizes.SkipLast(1).All(size => size is >= 4096 and < 8192), "sizes");
        Assert.Equal(1, stream.MostAtOnce);
    }

    private static async Task<byte[]> WriteAsync(
        string text, DialectConfig dialect, int columns, int[] sourceFields, int bufferBytes, SlowStream? stream = null)
    {
        await using var reader = new DelimitedReader(
            new MemoryStream(Parsed.EncodingOf(dialect).GetBytes(text)), dialect, columns, blockBytes: 1000);
        using var writer = new BinaryCopyWriter(sourceFields, 7, bufferBytes);
        var memory = new MemoryStream();
        writer.Begin(stream ?? (Stream)memory);
        while (await reader.ReadBatchAsync(CancellationToken.None))
        {
            await writer.WriteAsync(reader, CancellationToken.None);
        }

        await writer.EndAsync(CancellationToken.None);
        return memory.ToArray();
    }

    private static List<string?[]> Decode(byte[] bytes, int textColumns)
    {
        Assert.Equal([.. "PGCOPY\n"u8, 0xFF, 0x0D, 0x0A, 0, 0, 0, 0, 0, 0, 0, 0, 0], bytes[..19]);
        var at = 19;
        var rows = new List<string?[]>();
        while (true)
        {
            var count = BinaryPrimitives.ReadInt16BigEndian(bytes.AsSpan(at));
            at += 2;
            if (count == -1)
            {
                Assert.Equal(bytes.Length, at);
                return rows;
            }

            Assert.Equal(textColumns + 2, count);
            var row = new string?[count];
            for (var i = 0; i < count; i++)
            {
                var length = BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(at));
                at += 4;
                if (length < 0)
                {
                    continue;
                }

                var value = bytes.AsSpan(at, length);
                row[i] = i == textColumns ? BinaryPrimitives.ReadInt32BigEndian(value).ToString()
                    : i > textColumns ? BinaryPrimitives.ReadInt64BigEndian(value).ToString()
                    : Encoding.UTF8.GetString(value);
                at += length;
            }

            rows.Add(row);
        }
    }

    // Takes its bytes late, as a socket may.
    private sealed class SlowStream : MemoryStream
    {
        private int _now;

        public MemoryStream Written { get; } = new();

        public List<int> Sizes { get; } = [];

        public int MostAtOnce { get; private set; }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            MostAtOnce = Math.Max(MostAtOnce, ++_now);
            await Task.Delay(2, cancellationToken);
            Written.Write(buffer.Span);
            Sizes.Add(buffer.Length);
            _now--;
        }
    }
}
