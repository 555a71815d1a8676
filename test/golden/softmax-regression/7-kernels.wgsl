// contract: read, read, read_write
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 1>;
@group(0) @binding(1) var<storage, read> b0: array<f32, 9>;
@group(0) @binding(2) var<storage, read> b1: array<f32, 12>;
@group(0) @binding(3) var<storage, read_write> b2: array<f32, 12>;

@compute @workgroup_size(4, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let p0 = bitcast<i32>(words[0].x);
  let v0 = (i32(workgroup.x) * 4i) + i32(lane.x);
  let v12 = p0 * 4i;
  if (v0 < v12) {
    let v2 = v0 / 4i;
    let v1 = v0 - (v2 * 4i);
    let v3 = v2 < p0;
    var v4: f32 = 0.0f;
    let v5 = v2 * 3i;
    let v6 = b0[v5];
    let v7 = b1[v1];
    let v8 = b0[v5 + 1i];
    let v9 = b1[v1 + 4i];
    let v10 = b0[v5 + 2i];
    let v11 = b1[v1 + 8i];
    v4 = ((v4 + (v6 * v7)) + (v8 * v9)) + (v10 * v11);
    if (v3) {
      b2[v0] = v4;
    }
  }
}

// max: read_write, read, read_write
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 1>;
@group(0) @binding(1) var<storage, read_write> b0: array<f32, 12>;
@group(0) @binding(2) var<storage, read> b1: array<f32, 4>;
@group(0) @binding(3) var<storage, read_write> b2: array<f32, 3>;

@compute @workgroup_size(16, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let p0 = bitcast<i32>(words[0].x);
  let v0 = (i32(workgroup.x) * 16i) + i32(lane.x);
  if (v0 < p0) {
    let v1 = min(v0, 2i);
    var v2: f32 = -3.4028234663852886e+38f;
    let v3 = v1 * 4i;
    let v4 = b0[v3];
    let v5 = b1[0i];
    let v6 = v4 + v5;
    v2 = max(v2, v6);
    let v7 = (v1 * 4i) + 1i;
    let v8 = b0[v7];
    let v9 = b1[1i];
    let v10 = v8 + v9;
    v2 = max(v2, v10);
    let v11 = (v1 * 4i) + 2i;
    let v12 = b0[v11];
    let v13 = b1[2i];
    let v14 = v12 + v13;
    v2 = max(v2, v14);
    let v15 = (v1 * 4i) + 3i;
    let v16 = b0[v15];
    let v17 = b1[3i];
    let v18 = v16 + v17;
    v2 = max(v2, v18);
    b2[v1] = v2;
  }
}

// exp: read_write, read, read_write, read_write
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 1>;
@group(0) @binding(1) var<storage, read_write> b0: array<f32, 12>;
@group(0) @binding(2) var<storage, read> b1: array<f32, 4>;
@group(0) @binding(3) var<storage, read_write> b2: array<f32, 3>;
@group(0) @binding(4) var<storage, read_write> b3: array<f32, 12>;

fn nabla_exp(a0: f32) -> f32 {
  let v1: f32 = floor((a0 * 1.4426950216293335f) + 0.5f);
  let v2: f32 = (a0 - (v1 * 0.693115234375f)) - (v1 * 0.00003194618329871446f);
  let t0: f32 = (((0.0013926250394433737f * v2) + 0.00836323294788599f) * v2) + 0.04166655242443085f;
  let v3: f32 = v2 + ((v2 * v2) * ((((t0 * v2) + 0.16666576266288757f) * v2) + 0.5f));
  let v4: f32 = bitcast<f32>((bitcast<u32>(v3 + 1.0f) + (bitcast<u32>(v1 + 12582912.0f) << 23u)));
  return select(select(select(a0, 3.4028234663852886e+38f, (a0 > 88.72283172607422f)), v4, (a0 <= 88.72283172607422f)), 0.0f, (a0 < (-87.33654022216797f)));
}

@compute @workgroup_size(16, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let p1 = bitcast<i32>(words[0].y);
  let v0 = (i32(workgroup.x) * 16i) + i32(lane.x);
  if (v0 < p1) {
    let v1 = min(v0, 11i);
    let v3 = v1 / 4i;
    let v2 = v1 - (v3 * 4i);
    let v4 = b0[v1];
    let v5 = b1[v2];
    let v6 = b2[v3];
    b3[v1] = nabla_exp((v4 + v5) + (-v6));
  }
}

// sum_log_gather: read_write, read_write, read, read_write, read, read_write
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 1>;
@group(0) @binding(1) var<storage, read_write> b0: array<f32, 12>;
@group(0) @binding(2) var<storage, read_write> b1: array<f32, 3>;
@group(0) @binding(3) var<storage, read> b2: array<i32, 3>;
@group(0) @binding(4) var<storage, read_write> b3: array<f32, 12>;
@group(0) @binding(5) var<storage, read> b4: array<f32, 4>;
@group(0) @binding(6) var<storage, read_write> b5: array<f32, 3>;

fn nabla_log(a0: f32) -> f32 {
  let v1: bool = a0 < 1.1754943508222875e-38f;
  let v2: f32 = select(a0, a0 * 16777216.0f, v1);
  let v3: u32 = bitcast<u32>(v2);
  let v4: f32 = bitcast<f32>((v3 & 8388607u) | 1065353216u);
  let v5: f32 = f32((i32(((v3 >> 23u) & 255u)) - select(127i, 151i, v1)));
  let v6: bool = v4 > 1.4142135381698608f;
  let v7: f32 = select(v5, v5 + 1.0f, v6);
  let v8: f32 = select(v4, v4 * 0.5f, v6) - 1.0f;
  let v9: f32 = v8 / (2.0f + v8);
  let v10: f32 = v9 * v9;
  let t0: f32 = (((0.2333216816186905f * v10) + 0.28550758957862854f) * v10) + 0.4000012278556824f;
  let v11: f32 = v8 - (v9 * (v8 - (v10 * ((t0 * v10) + 0.6666666865348816f))));
  let v12: f32 = (v7 * 0.693115234375f) + ((v7 * 0.00003194618329871446f) + v11);
  let v13: u32 = bitcast<u32>(a0);
  let v14: f32 = select(v12, a0, (v13 & 2139095040u) == 2139095040u);
  let v15: f32 = bitcast<f32>(((v13 & 0u) | select(4286578688u, 2143289344u, (a0 < 0.0f))));
  return select(v14, v15, (v2 < 1.1754943508222875e-38f));
}

@compute @workgroup_size(16, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let p0 = bitcast<i32>(words[0].x);
  let v0 = (i32(workgroup.x) * 16i) + i32(lane.x);
  if (v0 < p0) {
    let v1 = min(v0, 2i);
    var v2: f32 = 0.0f;
    let v3 = v1 * 4i;
    let v4 = b0[v3];
    v2 = v2 + v4;
    let v5 = (v1 * 4i) + 1i;
    let v6 = b0[v5];
    v2 = v2 + v6;
    let v7 = (v1 * 4i) + 2i;
    let v8 = b0[v7];
    v2 = v2 + v8;
    let v9 = (v1 * 4i) + 3i;
    let v10 = b0[v9];
    v2 = v2 + v10;
    let v11 = b1[v1];
    let v12 = b2[v1];
    let v13 = min(max(v12, 0i), 3i);
    let v14 = (v1 * 4i) + v13;
    let v15 = b3[v14];
    let v16 = b4[v13];
    b1[v1] = v2;
    b5[v1] = (v11 + nabla_log(v2)) + (-(v15 + v16));
  }
}

// div: read_write, read_write, read
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 1>;
@group(0) @binding(1) var<storage, read_write> b0: array<f32, 12>;
@group(0) @binding(2) var<storage, read_write> b1: array<f32, 3>;
@group(0) @binding(3) var<storage, read> b2: array<i32, 3>;

@compute @workgroup_size(16, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let p2 = bitcast<i32>(words[0].z);
  let v0 = (i32(workgroup.x) * 16i) + i32(lane.x);
  if (v0 < p2) {
    let p0 = bitcast<f32>(words[0].x);
    let v1 = min(v0, 11i);
    let v3 = v1 / 4i;
    let v2 = v1 - (v3 * 4i);
    let v4 = b0[v1];
    let v5 = b1[v3];
    let v6 = b2[v3];
    b0[v1] = ((v4 / v5) + (-select(0.0f, 1.0f, v2 == v6))) / p0;
  }
}

// contract_and_sum: read, read_write, read_write, read_write
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 1>;
@group(0) @binding(1) var<storage, read> b0: array<f32, 9>;
@group(0) @binding(2) var<storage, read_write> b1: array<f32, 12>;
@group(0) @binding(3) var<storage, read_write> b2: array<f32, 12>;
@group(0) @binding(4) var<storage, read_write> b3: array<f32, 4>;

@compute @workgroup_size(16, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  if (i32(workgroup.x) < 1i) {
    let p0 = bitcast<i32>(words[0].x);
    let v0 = (i32(workgroup.x) * 16i) + i32(lane.x);
    if (v0 < 12i) {
      let v2 = v0 / 4i;
      let v1 = v0 - (v2 * 4i);
      var v3: f32 = 0.0f;
      for (var v4: i32 = 0i; v4 < p0; v4++) {
        let v5 = v2 + (v4 * 3i);
        let v6 = b0[v5];
        let v7 = v1 + (v4 * 4i);
        let v8 = b1[v7];
        v3 = v3 + (v6 * v8);
      }
      b2[v0] = v3;
    }
  }
  if (i32(workgroup.x) >= 1i) {
    let p0 = bitcast<i32>(words[0].x);
    let v9 = i32(workgroup.x) - 1i;
    let v10 = (v9 * 16i) + i32(lane.x);
    if (v10 < 4i) {
      let v11 = min(v10, 3i);
      var v12: f32 = 0.0f;
      for (var v13: i32 = 0i; v13 < p0; v13++) {
        let v14 = (v13 * 4i) + v11;
        let v15 = b1[v14];
        v12 = v12 + v15;
      }
      b3[v11] = v12;
    }
  }
}

// sum_finite_any: read, read_write, read, read, read_write, read_write
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 1>;
@group(0) @binding(1) var<storage, read> b0: array<f32, 3>;
@group(0) @binding(2) var<storage, read_write> b1: array<u32, 1>;
@group(0) @binding(3) var<storage, read> b2: array<f32, 12>;
@group(0) @binding(4) var<storage, read> b3: array<f32, 4>;
@group(0) @binding(5) var<storage, read_write> b4: array<f32, 1>;
@group(0) @binding(6) var<storage, read_write> b5: array<u32, 1>;

fn nabla_is_finite(a0: f32) -> bool {
  return (bitcast<u32>(a0) & 2139095040u) != 2139095040u;
}

@compute @workgroup_size(16, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let v0 = (i32(workgroup.x) * 16i) + i32(lane.x);
  if (v0 < 1i) {
    let p0 = bitcast<f32>(words[0].x);
    let p1 = bitcast<f32>(words[0].y);
    let p2 = bitcast<i32>(words[0].z);
    var v2: f32 = 0.0f;
    for (var v3: i32 = 0i; v3 < p2; v3++) {
      let v4 = b0[v3];
      v2 = v2 + v4;
    }
    let v5 = v2 / p0;
    let v6 = b1[0i];
    var v7: bool = false;
    let v8 = b2[0i];
    let v9 = !nabla_is_finite(v8);
    v7 = v7 | v9;
    let v10 = b2[1i];
    let v11 = !nabla_is_finite(v10);
    v7 = v7 | v11;
    let v12 = b2[2i];
    let v13 = !nabla_is_finite(v12);
    v7 = v7 | v13;
    let v14 = b2[3i];
    let v15 = !nabla_is_finite(v14);
    v7 = v7 | v15;
    let v16 = b2[4i];
    let v17 = !nabla_is_finite(v16);
    v7 = v7 | v17;
    let v18 = b2[5i];
    let v19 = !nabla_is_finite(v18);
    v7 = v7 | v19;
    let v20 = b2[6i];
    let v21 = !nabla_is_finite(v20);
    v7 = v7 | v21;
    let v22 = b2[7i];
    let v23 = !nabla_is_finite(v22);
    v7 = v7 | v23;
    let v24 = b2[8i];
    let v25 = !nabla_is_finite(v24);
    v7 = v7 | v25;
    let v26 = b2[9i];
    let v27 = !nabla_is_finite(v26);
    v7 = v7 | v27;
    let v28 = b2[10i];
    let v29 = !nabla_is_finite(v28);
    v7 = v7 | v29;
    let v30 = b2[11i];
    let v31 = !nabla_is_finite(v30);
    v7 = v7 | v31;
    var v32: bool = false;
    let v33 = b3[0i];
    let v34 = !nabla_is_finite(v33);
    v32 = v32 | v34;
    let v35 = b3[1i];
    let v36 = !nabla_is_finite(v35);
    v32 = v32 | v36;
    let v37 = b3[2i];
    let v38 = !nabla_is_finite(v37);
    v32 = v32 | v38;
    let v39 = b3[3i];
    let v40 = !nabla_is_finite(v39);
    v32 = v32 | v40;
    b4[0i] = v5;
    b5[0i] = select(select(0u, u32(p1), ((!nabla_is_finite(v5)) | v7) | v32), v6, v6 != 0u);
    b1[0i] = select(select(0u, u32(p1), ((!nabla_is_finite(v5)) | v7) | v32), v6, v6 != 0u);
  }
}

// sqrt: read, read_write, read, read_write, read_write
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 2>;
@group(0) @binding(1) var<storage, read> b0: array<u32, 1>;
@group(0) @binding(2) var<storage, read_write> b1: array<f32, 68>;
@group(0) @binding(3) var<storage, read> b2: array<f32, 68>;
@group(0) @binding(4) var<storage, read_write> b3: array<f32, 68>;
@group(0) @binding(5) var<storage, read_write> b4: array<f32, 68>;

@compute @workgroup_size(16, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let v0 = (i32(workgroup.x) * 16i) + i32(lane.x);
  if (v0 < 68i) {
    let p0 = bitcast<f32>(words[0].x);
    let p1 = bitcast<f32>(words[0].y);
    let p2 = bitcast<f32>(words[0].z);
    let p3 = bitcast<f32>(words[0].w);
    let p4 = bitcast<f32>(words[1].x);
    let p5 = bitcast<f32>(words[1].y);
    let p6 = bitcast<f32>(words[1].z);
    let p7 = bitcast<f32>(words[1].w);
    let v1 = min(v0, 67i);
    let v2 = b0[0i];
    let v3 = v2 == 0u;
    let v4 = b1[v1];
    let v5 = b2[v1];
    let v6 = (v4 * p0) + (v5 * p1);
    let v7 = b3[v1];
    let v8 = (v7 * p2) + ((v5 * v5) * p3);
    let v9 = b4[v1];
    b1[v1] = select(v4, v6, v3);
    b3[v1] = select(v7, v8, v3);
    let t0: f32 = -(v8 / p6);
    b4[v1] = select(v9, v9 + (-(((v6 / p4) * p5) / (sqrt(t0) + p7))), v3);
  }
}
