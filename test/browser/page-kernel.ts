/** A page's work for the harness's own test: y = 2 x on WebGPU. */
export default async function page({ x }: { readonly x: readonly number[] }): Promise<{ readonly y: readonly number[]; readonly adapter: string }> {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error("the page gets no adapter");
  const device = await adapter.requestDevice();
  const code = "@group(0) @binding(0) var<storage, read_write> x: array<f32>; @compute @workgroup_size(1) fn main(@builtin(global_invocation_id) i: vec3u) { x[i.x] *= 2.0; }";
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module: device.createShaderModule({ code }) } });
  const buffer = device.createBuffer({ size: x.length * 4, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC });
  const read = device.createBuffer({ size: x.length * 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  device.queue.writeBuffer(buffer, 0, Float32Array.from(x));
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer } }] }));
  pass.dispatchWorkgroups(x.length);
  pass.end();
  encoder.copyBufferToBuffer(buffer, 0, read, 0, x.length * 4);
  device.queue.submit([encoder.finish()]);
  await read.mapAsync(GPUMapMode.READ);
  return { y: [...new Float32Array(read.getMappedRange())], adapter: adapter.info.architecture };
}
