/**
 * The words that WGSL and TypeScript keep for themselves, and names of theirs that ours would hide. Data for the namer.
 *
 *     wgslWords.has("override")   // true
 */
const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** WGSL (specification, "Keyword Summary", "Reserved Words", predeclared types and functions). */
export const wgslWords: ReadonlySet<string> = new Set([
  ...words(`
    alias break case const const_assert continue continuing default diagnostic discard else enable false fn for if let loop override requires
    return struct switch true var while`),
  ...words(`
    NULL Self abstract active alignas alignof as asm asm_fragment async attribute auto await become binding_array cast catch class co_await
    co_return co_yield coherent column_major common compile compile_fragment concept const_cast consteval constexpr constinit crate debugger
    decltype delete demote demote_to_helper do dynamic_cast enum explicit export extends extern external fallthrough filter final finally
    friend from fxgroup get goto groupshared highp impl implements import inline instanceof interface layout lowp macro macro_rules match
    mediump meta mod module move mut mutable namespace new nil noexcept noinline nointerpolation non_coherent noncoherent noperspective null
    nullptr of operator package packoffset partition pass patch pixelfragment precise precision premerge priv protected pub public readonly
    ref regardless register reinterpret_cast require resource restrict self set shared sizeof smooth snorm static static_assert static_cast
    std subroutine super target template this thread_local throw trait try type typedef typeid typename typeof union unless unorm unsafe
    unsized use using varying virtual volatile wgsl where with writeonly yield`),
  ...words(`
    bool i32 u32 f32 f16 vec2 vec3 vec4 vec2f vec3f vec4f vec2h vec3h vec4h vec2i vec3i vec4i vec2u vec3u vec4u mat2x2 mat2x3 mat2x4 mat3x2
    mat3x3 mat3x4 mat4x2 mat4x3 mat4x4 array atomic ptr sampler sampler_comparison texture_1d texture_2d texture_3d texture_cube function
    private workgroup uniform storage read write read_write handle
    abs acos acosh all any arrayLength asin asinh atan atan2 atanh bitcast ceil clamp cos cosh countLeadingZeros countOneBits
    countTrailingZeros cross degrees determinant distance dot dpdx dpdy exp exp2 extractBits faceForward firstLeadingBit firstTrailingBit
    floor fma fract frexp fwidth insertBits inverseSqrt ldexp length log log2 max min mix modf normalize pow quantizeToF16 radians reflect
    refract reverseBits round saturate select sign sin sinh smoothstep sqrt step storageBarrier tan tanh transpose trunc unpack2x16float
    workgroupBarrier workgroupUniformLoad atomicAdd atomicLoad atomicMax atomicMin atomicStore atomicSub subgroupAdd subgroupMax
    subgroupMin subgroupBroadcast subgroupShuffle`),
]);

/** TypeScript and JavaScript, strict mode, and globals that generated code uses. */
export const typescriptWords: ReadonlySet<string> = new Set(words(`
    abstract any arguments as asserts async await bigint boolean break case catch class const constructor continue debugger declare default
    delete do else enum eval export extends false finally for from function get if implements import in infer instanceof interface is keyof
    let module namespace never new null number object of override package private protected public readonly require return satisfies set
    static string super switch symbol this throw true try type typeof undefined unique unknown using var void while with yield
    Array ArrayBuffer Boolean DataView Date Error Float32Array Float64Array Function Infinity Int32Array JSON Map Math NaN Number Object
    Promise Proxy Reflect Set String Symbol Uint8Array Uint32Array WeakMap WeakSet console exports globalThis isFinite isNaN navigator
    process self window __proto__ __dirname __filename`));
